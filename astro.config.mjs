import starlight from '@astrojs/starlight'
import { defineConfig, fontProviders } from 'astro/config'
import starlightLinksValidator from 'starlight-links-validator'

/** Path the site is served under; `/` when it has a host of its own. */
const base = process.env['BASE_PATH'] ?? '/'
/** Address of the published site; sitemap and canonical links need it. */
const site = process.env['PUBLIC_URL']
/** Origin of a running lab server, for `astro dev`: health and WebSocket are passed on to it. */
const labServer = process.env['LAB_DEV_TARGET']

const underBase = (path) => `${base.replace(/\/$/, '')}/${path}`

const latin =
  'U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+2000-206F,U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215'
/** Without quotation marks, dashes, dots and the middle dot: Chinese text sets them full width. */
const latinBesideChinese =
  'U+0000-00B6,U+00B8-00FF,U+0131,U+0152-0153,U+02C6,U+02DA,U+02DC,U+2000-2013,U+2016-2017,U+201A-201B,U+201E-2025,U+2027-206F,U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215'

const sans = {
  name: 'Source Sans 3',
  file: '@fontsource-variable/source-sans-3/files/source-sans-3-latin-wght-normal.woff2',
  weight: '200 900',
  fallbacks: ['PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'sans-serif'],
}
const mono = {
  name: 'JetBrains Mono',
  file: '@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2',
  weight: '100 800',
  fallbacks: ['Noto Sans Mono CJK SC', 'PingFang SC', 'Microsoft YaHei', 'monospace'],
}

function fontFamily({ name, file, weight, fallbacks }, cssVariable, unicodeRange) {
  return {
    provider: fontProviders.local(),
    name,
    cssVariable,
    fallbacks,
    options: {
      variants: [
        {
          src: [`./node_modules/${file}`],
          weight,
          style: 'normal',
          display: 'swap',
          unicodeRange: unicodeRange.split(','),
        },
      ],
    },
  }
}

const frame = (name) => `./src/components/frame/${name}.astro`

export default defineConfig({
  srcDir: '.',
  outDir: 'dist',
  base,
  ...(site ? { site } : {}),
  // 'always' answers /healthz with 404 before the development server can pass it on.
  trailingSlash: labServer ? 'ignore' : 'always',
  fonts: [
    fontFamily(sans, '--ming-face-sans', latin),
    fontFamily(sans, '--ming-face-sans-zh', latinBesideChinese),
    fontFamily(mono, '--ming-face-mono', latin),
    fontFamily(mono, '--ming-face-mono-zh', latinBesideChinese),
  ],
  vite: {
    server: {
      // The root is the source directory: what set-up, builds and tests write is not source.
      watch: {
        ignored: ['**/.cache/**', '**/dist/**', '**/test-results/**', '**/playwright-report/**'],
      },
      ...(labServer
        ? {
            proxy: {
              [underBase('healthz')]: { target: labServer, changeOrigin: true },
              [underBase('ws')]: { target: labServer, changeOrigin: true, ws: true },
            },
          }
        : {}),
    },
  },
  integrations: [
    starlight({
      title: { en: 'Ming Registry Lab', 'zh-CN': 'Ming 注册中心实验室' },
      favicon: '/favicon.svg',
      defaultLocale: 'root',
      locales: {
        root: { label: 'English', lang: 'en' },
        'zh-cn': { label: '简体中文', lang: 'zh-CN' },
      },
      sidebar: [
        {
          label: 'Understand',
          translations: { 'zh-CN': '弄明白' },
          items: ['why-etcd'],
        },
        {
          label: 'Try it in the lab',
          translations: { 'zh-CN': '动手做' },
          items: ['lab/register-and-discover', 'lab/kill-the-leader', 'registry/original-faults'],
        },
        {
          label: 'Look behind it',
          translations: { 'zh-CN': '看幕后' },
          items: ['lab/how-it-works', 'registry/telemetry'],
        },
        {
          label: 'Host it yourself',
          translations: { 'zh-CN': '自己部署' },
          items: ['hosting/compose', 'hosting/host-the-lab', 'hosting/drivers', 'hosting/privacy'],
        },
      ],
      lastUpdated: true,
      credits: false,
      tableOfContents: { minHeadingLevel: 2, maxHeadingLevel: 3 },
      customCss: ['./src/styles/tokens.css', './src/styles/site.css'],
      components: {
        Head: frame('Head'),
        Header: frame('Header'),
        SiteTitle: frame('SiteTitle'),
        Search: frame('Search'),
        ThemeProvider: frame('ThemeProvider'),
        ThemeSelect: frame('Empty'),
        LanguageSelect: frame('Empty'),
        MobileMenuFooter: frame('Empty'),
        PageTitle: frame('PageTitle'),
        Footer: frame('Footer'),
      },
      expressiveCode: {
        themes: ['github-light-high-contrast', 'github-dark-high-contrast'],
        styleOverrides: {
          borderRadius: '2px',
          borderColor: 'var(--ming-rule)',
          codeBackground: 'var(--ming-paper-sunk)',
          codeFontFamily: 'var(--ming-font-mono)',
          codeFontSize: '0.875rem',
          frames: { shadowColor: 'transparent' },
        },
        defaultProps: { frame: 'none' },
      },
      plugins: [
        // Relative links work under any base path; tests/docs/links.test.ts checks them.
        starlightLinksValidator({ errorOnRelativeLinks: false }),
      ],
    }),
  ],
})
