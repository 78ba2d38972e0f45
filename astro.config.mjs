import starlight from '@astrojs/starlight'
import { defineConfig } from 'astro/config'
import starlightLinksValidator from 'starlight-links-validator'

const base = process.env['BASE_PATH'] ?? '/'

export default defineConfig({
  srcDir: '.',
  outDir: 'dist',
  base,
  ...(process.env['PUBLIC_URL'] ? { site: process.env['PUBLIC_URL'] } : {}),
  integrations: [
    starlight({
      title: { en: 'Ming Registry Lab', 'zh-CN': 'Ming 注册中心实验室' },
      defaultLocale: 'root',
      locales: {
        root: { label: 'English', lang: 'en' },
        'zh-cn': { label: '简体中文', lang: 'zh-CN' },
      },
      plugins: [starlightLinksValidator()],
    }),
  ],
})
