import { runProgram } from './program.mjs'

/**
 * `npm run screenshots`: takes the pictures of the README from a running lab.
 * @param {string[]} args
 */
export default function screenshots(args) {
  return runProgram(
    ['dependencies', 'etcd', 'site', 'chromium'],
    ['tests/screenshots/main.ts', ...args],
  )
}
