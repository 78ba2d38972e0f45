import path from 'node:path'
import { root } from '../prepare.mjs'
import { run } from '../process.mjs'
import { astroEnvironment } from '../site.mjs'

/** Programs of the installed packages, run with the Node of this process. */
const programs = {
  prettier: 'prettier/bin/prettier.cjs',
  eslint: 'eslint/bin/eslint.js',
  tsc: 'typescript/bin/tsc',
  astro: 'astro/bin/astro.mjs',
  knip: 'knip/bin/knip.js',
}

/** @typedef {{ title: string, program: keyof typeof programs, args: string[] }} Check */

/**
 * Alone and first: it writes the types that the others read.
 * @type {Check}
 */
const typesOfPages = {
  title: 'astro check',
  program: 'astro',
  args: ['check', '--minimumFailingSeverity', 'warning'],
}

/** @type {readonly Check[]} */
const checks = [
  { title: 'eslint', program: 'eslint', args: ['--max-warnings', '0', '.'] },
  { title: 'prettier', program: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
  { title: 'knip', program: 'knip', args: [] },
  { title: 'tsc protocol', program: 'tsc', args: ['-p', 'protocol'] },
  { title: 'tsc lab-server', program: 'tsc', args: ['-p', 'lab-server'] },
  { title: 'tsc src', program: 'tsc', args: ['-p', '.'] },
  { title: 'tsc setup', program: 'tsc', args: ['-p', 'setup'] },
  { title: 'tsc tests', program: 'tsc', args: ['-p', 'tests'] },
]

const atOnce = 2

/**
 * Formatting, lint, types and unused code; each check counts as one test.
 * @returns {Promise<import('../suites.mjs').Tally>}
 */
export async function runStaticChecks() {
  const results = [await runCheck(typesOfPages)]
  const waiting = [...checks]
  const takeTurns = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      results.push(await runCheck(check))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, takeTurns))
  const failures = results.filter(({ ok }) => !ok).map(({ title }) => `static: ${title}`)
  const passed = results.length - failures.length
  return { passed, failed: failures.length, failures, skipped: [] }
}

/**
 * @param {Check} check
 * @returns {Promise<{ title: string, ok: boolean }>}
 */
async function runCheck({ title, program, args }) {
  const start = performance.now()
  const file = path.join(root, 'node_modules', programs[program])
  const options = { cwd: root, env: astroEnvironment() }
  const finished = await run(process.execPath, [file, ...args], options)
  const ok = finished.code === 0
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const output = ok ? '' : `${finished.stdout}${finished.stderr}\n`
  process.stdout.write(` ${ok ? '✓' : '✗'} ${title} (${seconds} s)\n${output}`)
  return { title, ok }
}
