import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import known from '../../content/data/commands.json' with { type: 'json' }
import type { PageCommand } from '../../src/components/lab/commands.ts'
import { pagesWithCommands, runPage } from './page-commands.ts'

/**
 * Runs every command of the pages on real labs, once in each language, and stores what came out as
 * the output that readers can unfold: `LAB_ETCD_DIR=… node tests/docs/record-samples.ts [page …]`.
 */

const file = join(import.meta.dirname, '../../content/data/commands.json')
const commands: Record<string, PageCommand> = { ...known }

const wanted = process.argv.slice(2)

for (const page of pagesWithCommands) {
  if (wanted.length > 0 && !wanted.includes(page)) continue
  for (const locale of ['en', 'zh-CN'] as const) {
    for (const { id, command, text } of await runPage(page, locale)) {
      const recorded = commands[id] ?? command
      commands[id] = { ...recorded, sample: { ...recorded.sample, [locale]: text.trimEnd() } }
    }
    console.log(`recorded ${page} (${locale})`)
  }
}
await writeFile(file, JSON.stringify(commands, null, 2) + '\n')
