import { runProgram } from './program.mjs'

/**
 * `npm run bench [name …] [--json FILE]`
 * @param {string[]} args
 */
export default function bench(args) {
  return runProgram(['dependencies', 'etcd', 'site', 'chromium'], ['tests/bench/main.ts', ...args])
}
