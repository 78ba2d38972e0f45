import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: [
    'setup/main.mjs',
    // Loaded by name.
    'setup/tasks/*.mjs',
    'lab-server/main.ts',
    // Started as a process of its own.
    'lab-server/cluster/reaper-process.ts',
    'content/**/*.mdx',
    'src/diagrams/render.ts',
    'tests/{bench,screenshots}/main.ts',
  ],
  project: [
    '{protocol,lab-server,src,setup,tests,pages,content}/**/*.{ts,mjs,js,astro,mdx}',
    '*.{ts,js,mjs}',
  ],
  // Called by name from the set-up script: `astro check`.
  ignoreDependencies: ['@astrojs/check'],
}

export default config
