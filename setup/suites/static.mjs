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

/** @type {readonly { title: string, program: keyof typeof programs, args: string[] }[]} */
const checks = [
  // First: it writes the types that the next ones read.
  {
    title: 'astro check',
    program: 'astro',
    args: ['check', '--minimumFailingSeverity', 'warning'],
  },
  { title: 'tsc protocol', program: 'tsc', args: ['-p', 'protocol'] },
  { title: 'tsc lab-server', program: 'tsc', args: ['-p', 'lab-server'] },
  { title: 'tsc src', program: 'tsc', args: ['-p', '.'] },
  { title: 'tsc setup', program: 'tsc', args: ['-p', 'setup'] },
  { title: 'tsc tests', program: 'tsc', args: ['-p', 'tests'] },
  { title: 'prettier', program: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
  { title: 'eslint', program: 'eslint', args: ['--max-warnings', '0', '.'] },
  { title: 'knip', program: 'knip', args: [] },
]

/**
 * Formatting, lint, types and unused code; each check counts as one test.
 * @returns {Promise<import('../suites.mjs').Tally>}
 */
export async function runStaticChecks() {
  /** @type {string[]} */
  const failures = []
  for (const check of checks) {
    const start = performance.now()
    const args = [path.join(root, 'node_modules', programs[check.program]), ...check.args]
    const finished = await run(process.execPath, args, { cwd: root, env: astroEnvironment() })
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    const ok = finished.code === 0
    process.stdout.write(` ${ok ? '✓' : '✗'} ${check.title} (${seconds} s)\n`)
    if (ok) continue
    process.stdout.write(`${finished.stdout}${finished.stderr}\n`)
    failures.push(`static: ${check.title}`)
  }
  const passed = checks.length - failures.length
  return { passed, failed: failures.length, failures, skipped: [] }
}
