import { runSuites } from '../suites.mjs'

/**
 * `npm run verify`: what needs neither a cluster nor a browser; before a push.
 * @param {string[]} args
 */
export default function verify(args) {
  return runSuites(['static', 'unit', ...args])
}
