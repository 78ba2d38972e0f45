import { runProgram } from './program.mjs'

/**
 * `npm run diagrams`: draws the Mermaid sources whose picture is missing.
 * @param {string[]} args
 */
export default function diagrams(args) {
  return runProgram(['dependencies', 'chromium'], ['src/diagrams/render.ts', ...args])
}
