// @ts-check
import astro from 'eslint-plugin-astro'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const everyFolder = ['content', 'lab-server', 'pages', 'protocol', 'setup', 'src', 'tests']
const labServerFolders = [
  'cluster',
  'etcd',
  'lab',
  'providers',
  'registry',
  'shell',
  'telemetry',
  'web',
]

/** The ports and what is pure beside them; the rest of these folders are adapters. */
const ports = {
  cluster: ['cluster-driver', 'monitor', 'quorum'],
  providers: ['provider-control'],
  registry: [
    'codec',
    'draining',
    'instance-problem',
    'naive/naive-fault',
    'naive/naive-limits',
    'naive/naive-port',
    'registry',
    'service-key',
  ],
  etcd: ['etcd-inspector', 'etcd-member'],
}

/** @param {string} text */
const escape = (text) => text.replace(/[/.]/g, '\\$&')

/**
 * Refuses every package that is not named. A name that ends with a colon stands for
 * everything of that scheme: `node:` for all of Node's own modules.
 * @param {string[]} allowed
 * @param {string} message
 */
function onlyPackages(allowed, message) {
  const names = allowed.map((name) => (name.endsWith(':') ? name : `${escape(name)}(?:/|$)`))
  const exception = names.length === 0 ? '' : `(?!${names.join('|')})`
  return { regex: `^(?![./])${exception}`, message }
}

/**
 * Refuses relative imports that lead into one of these folders.
 * @param {string[]} folders
 * @param {string} message
 */
function notInto(folders, message) {
  return { regex: `^\\.{1,2}/(?:.*/)?(?:${folders.map(escape).join('|')})/`, message }
}

/**
 * Refuses everything of a folder of lab-server but the named files.
 * @param {string} folder
 * @param {string[]} files
 * @param {string} message
 */
function onlyFilesOf(folder, files, message) {
  return { regex: `^\\.\\./(?:.*/)?${folder}/(?!(?:${files.join('|')})\\.ts$)`, message }
}

/**
 * One folder's import rules. Tests of the folder may import its neighbours, so they are exempt
 * from the folder rules of lab-server, but nothing may import tests/.
 * @param {string} name
 * @param {string[]} files
 * @param {object[]} patterns
 * @returns {import('eslint').Linter.Config}
 */
function imports(name, files, patterns) {
  return {
    name: `imports/${name}`,
    files,
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  }
}

/**
 * @param {string} own
 * @param {string[]} allowed
 */
function otherLabServerFolders(own, allowed) {
  return labServerFolders.filter((folder) => folder !== own && !allowed.includes(folder))
}

const design = 'See "Where things are" in AGENTS.md.'
const outsideLabServer = everyFolder.filter(
  (folder) => !['protocol', 'lab-server'].includes(folder),
)
const noEtcdPackages = {
  regex: '^(?:etcd3|@grpc/grpc-js)(?:/|$)',
  message: `The etcd client library is wrapped by lab-server/etcd/. ${design}`,
}
const noTelemetryPackages = {
  regex: '^@opentelemetry/',
  message: `OpenTelemetry is spoken to by lab-server/telemetry/ alone. ${design}`,
}
const portsOnly = Object.entries(ports).map(([folder, files]) =>
  onlyFilesOf(folder, files, `Only the port, never an adapter. ${design}`),
)

export default defineConfig(
  globalIgnores(['dist/', 'build/', '.astro/', 'test-results/', 'playwright-report/', 'public/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },

  {
    name: 'types',
    files: ['**/*.{ts,mjs,js}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['astro.config.mjs'] } },
    },
    rules: {
      eqeqeq: 'error',
      'no-control-regex': 'error',
      'no-empty': 'error',
      'no-empty-pattern': 'error',
      'no-fallthrough': 'error',
      'no-irregular-whitespace': 'error',
      'no-misleading-character-class': 'error',
      'no-self-compare': 'error',
      'no-unsafe-finally': 'error',
      'no-useless-catch': 'error',
      'no-useless-escape': 'error',
      'no-console': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // tsconfig's noPropertyAccessFromIndexSignature decides per part.
      '@typescript-eslint/dot-notation': 'off',
      // Nothing to do is a fair answer; what is forbidden is to catch and go on silently.
      '@typescript-eslint/no-empty-function': 'off',
      // `type` and `interface` both read well; a schema yields the former, a port is the latter.
      '@typescript-eslint/consistent-type-definitions': 'off',
    },
  },
  {
    name: 'environment',
    files: ['{protocol,lab-server,src,pages}/**/*.{ts,astro}'],
    // The server reads it in config.ts; `ming` hands it to cli/environment.ts.
    ignores: [
      'lab-server/config.ts',
      'lab-server/cli.ts',
      'src/diagrams/render.ts',
      '**/*.test.ts',
    ],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Only lab-server/config.ts and lab-server/cli.ts read the environment.',
        },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector:
            "ImportDeclaration[source.value='node:process'] ImportSpecifier[imported.name='env']",
          message: 'Only lab-server/config.ts and lab-server/cli.ts read the environment.',
        },
      ],
    },
  },
  {
    name: 'programs',
    files: ['setup/**', 'tests/**', 'lab-server/main.ts', 'src/diagrams/render.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    name: 'plain-javascript',
    files: ['setup/**/*.mjs', '*.{js,mjs}'],
    rules: {
      // JSDoc has no `import type`.
      '@typescript-eslint/consistent-type-imports': 'off',
      // The parser does not see JSDoc casts; `tsc -p setup` does.
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    name: 'astro-config',
    files: ['astro.config.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
  },
  {
    name: 'tests',
    files: ['**/*.test.ts', 'tests/**/*.ts'],
    rules: {
      // A failed assertion is the message of a test.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },

  ...astro.configs['flat/recommended'],

  imports(
    'protocol',
    ['protocol/**/*.ts'],
    [
      onlyPackages(['zod/mini'], `protocol/ knows zod/mini and nothing else. ${design}`),
      notInto(
        everyFolder.filter((folder) => folder !== 'protocol'),
        design,
      ),
    ],
  ),
  imports(
    'src',
    ['src/**/*.{ts,astro}', 'pages/**/*.{ts,astro}'],
    [
      onlyPackages(
        ['@xterm', 'astro', 'astro:', '@astrojs', 'virtual:', '@fontsource-variable', 'zod/mini'],
        `The browser's part knows the protocol, xterm and Astro. ${design}`,
      ),
      notInto(
        ['lab-server', 'setup', 'tests'],
        `src/ talks to the server only through protocol/. ${design}`,
      ),
    ],
  ),
  imports(
    // Runs when the site is built, never in a browser.
    'src/diagrams',
    ['src/diagrams/**/*.ts'],
    [
      onlyPackages(['node:', '@playwright/test', 'mermaid'], design),
      notInto(['lab-server', 'setup', 'tests'], design),
    ],
  ),
  imports(
    'lab-server',
    ['lab-server/**/*.ts'],
    [
      notInto(outsideLabServer, `lab-server/ knows protocol/ only. ${design}`),
      noEtcdPackages,
      noTelemetryPackages,
    ],
  ),
  imports(
    'lab-server/etcd',
    ['lab-server/etcd/**/*.ts'],
    [
      onlyPackages(['node:', 'etcd3', '@grpc/grpc-js', 'zod'], design),
      notInto(outsideLabServer, design),
      notInto(otherLabServerFolders('etcd', ['telemetry']), design),
    ],
  ),
  imports(
    'lab-server/telemetry',
    ['lab-server/telemetry/**/*.ts'],
    [
      onlyPackages(['@opentelemetry/api'], `The API only, never an SDK. ${design}`),
      notInto(outsideLabServer, design),
      notInto(otherLabServerFolders('telemetry', []), design),
    ],
  ),
  imports(
    'lab-server/cluster',
    ['lab-server/cluster/**/*.ts'],
    [
      onlyPackages(['node:', 'zod', 'dockerode'], design),
      notInto(outsideLabServer, design),
      notInto(otherLabServerFolders('cluster', ['etcd']), design),
    ],
  ),
  imports(
    'lab-server/providers',
    ['lab-server/providers/**/*.ts'],
    [
      onlyPackages(['node:', 'zod'], design),
      notInto(outsideLabServer, design),
      notInto(otherLabServerFolders('providers', ['cluster', 'etcd', 'registry']), design),
      onlyFilesOf('cluster', ['stopped-process'], `Of cluster/ only how processes stop. ${design}`),
    ],
  ),
  imports(
    'lab-server/registry',
    ['lab-server/registry/**/*.ts'],
    [
      onlyPackages(['node:', 'yaml', 'zod'], design),
      notInto(outsideLabServer, design),
      notInto(otherLabServerFolders('registry', ['etcd', 'telemetry']), design),
    ],
  ),
  imports(
    'lab-server/shell',
    ['lab-server/shell/**/*.ts'],
    [
      onlyPackages(['node:', 'zod'], `The shell knows neither express nor ws. ${design}`),
      notInto(outsideLabServer, design),
      notInto(['lab', 'telemetry', 'web'], design),
      ...portsOnly,
    ],
  ),
  imports(
    'lab-server/lab',
    ['lab-server/lab/**/*.ts'],
    [
      onlyPackages(['node:', 'zod'], design),
      notInto(outsideLabServer, design),
      notInto(['telemetry', 'web'], design),
      ...portsOnly,
    ],
  ),
  imports(
    'lab-server/web',
    ['lab-server/web/**/*.ts'],
    [
      onlyPackages(['node:', 'express', 'ws', 'zod'], design),
      notInto(outsideLabServer, design),
      notInto(
        ['cluster', 'etcd', 'providers', 'registry', 'shell', 'telemetry'],
        `web/ knows labs, not what they are made of. ${design}`,
      ),
    ],
  ),
  imports(
    'setup',
    ['setup/**/*.mjs'],
    [
      onlyPackages(
        ['node:'],
        'Set-up runs before any dependency is there, on any Node from 18 on.',
      ),
      notInto(
        everyFolder.filter((folder) => folder !== 'setup'),
        'Set-up starts the other parts as processes.',
      ),
    ],
  ),
)
