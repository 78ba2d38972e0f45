import { docsLoader, i18nLoader } from '@astrojs/starlight/loaders'
import { docsSchema, i18nSchema } from '@astrojs/starlight/schema'
import { defineCollection } from 'astro:content'
import { z } from 'astro/zod'
import words from './content/i18n/en.json' with { type: 'json' }

/** Every word of the interface is a key of the English file; tests compare the Chinese one to it. */
const wordKeys = Object.fromEntries(
  Object.keys(words).map((key) => [key, z.string().optional()]),
) as Record<keyof typeof words, z.ZodOptional<z.ZodString>>

/** What our pages say of themselves, beyond Starlight's own frontmatter. */
const pageFacts = z.object({
  /** `reading`: words only. `experiment`: has commands to run in a lab. `reference`: to look up. */
  kind: z.enum(['reading', 'experiment', 'reference']).optional(),
  /** How long it takes, reading and running together. */
  minutes: z.number().int().positive().optional(),
})

export const collections = {
  docs: defineCollection({ loader: docsLoader(), schema: docsSchema({ extend: pageFacts }) }),
  i18n: defineCollection({
    loader: i18nLoader(),
    schema: i18nSchema({ extend: z.object(wordKeys) }),
  }),
}
