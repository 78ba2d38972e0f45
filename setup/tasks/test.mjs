import { runSuites } from '../suites.mjs'

/**
 * `npm test [-- suite …] [file …]`
 * @param {string[]} args
 */
export default function test(args) {
  return runSuites(args)
}
