import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: [
    'setup/main.mjs',
    // Loaded by name.
    'setup/tasks/*.mjs',
    // Run in the image and while it is built.
    'setup/image/*.mjs',
    'src/components/frame/*.astro',
    // Processes of their own.
    'lab-server/main.ts',
    'lab-server/cli.ts',
    'lab-server/check-settings.ts',
    // What the package exports.
    'lab-server/open-registry.ts',
    'lab-server/cluster/reaper-process.ts',
    'lab-server/providers/provider-process.ts',
    'src/diagrams/render.ts',
    'tests/bench/{main,measure-pages}.ts',
    'tests/docs/{record-samples,write-telemetry}.ts',
    'tests/screenshots/main.ts',
    'content/**/*.mdx',
  ],
  project: [
    '{protocol,lab-server,src,setup,tests,pages,content}/**/*.{ts,mjs,js,astro,mdx}',
    '*.{ts,js,mjs}',
  ],
  // The type of an exported function's parameter is exported with it.
  ignoreExportsUsedInFile: true,
  ignoreDependencies: [
    // `astro check` asks for it.
    '@astrojs/check',
    // Its files are loaded by their path.
    '@fontsource-variable/jetbrains-mono',
  ],
}

export default config
