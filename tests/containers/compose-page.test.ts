import { randomBytes } from 'node:crypto'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { englishPages } from '../docs/pages.ts'
import { docker } from '../helpers/docker.ts'
import { freePort } from '../helpers/free-port.ts'
import { buildLabImage, labImage, type LabImage } from './lab-image.ts'

const root = path.resolve(import.meta.dirname, '../..')
const project = `ming-page-${randomBytes(4).toString('hex')}`
const commandLimitMs = 120_000

let image: LabImage
let labPort: number

beforeAll(async () => {
  image = await buildLabImage()
  labPort = await freePort()
}, 20 * 60_000)

afterAll(async () => {
  await runAsPrinted("docker compose --profile '*' down --volumes --timeout 1")
  await image.remove()
})

/** The commands of the page's shell blocks, in their order; one may go over several lines. */
function printedCommands(): string[] {
  const page = englishPages.find(({ slug }) => slug === 'hosting/compose')
  const blocks = [...(page?.body.matchAll(/^```sh\n([\s\S]*?)^```$/gm) ?? [])]
  return blocks.flatMap(([, block = '']) => block.trimEnd().split(/(?<!\\)\n/))
}

/** What `export` has set, as in a reader's shell. */
const exported: Record<string, string> = {}

function ours(): Record<string, string> {
  return { COMPOSE_PROJECT_NAME: project, LAB_IMAGE: labImage, LAB_PORT: String(labPort) }
}

/** As a reader's shell does, but under names and a port of our own. */
async function runAsPrinted(command: string): Promise<string> {
  const [, name, value] = /^export (\w+)=(\S+)$/.exec(command) ?? []
  if (name !== undefined && value !== undefined) exported[name] = value
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command], {
    cwd: root,
    env: { ...process.env, ...exported, ...ours() },
    timeout: commandLimitMs,
  })
  return stdout + stderr
}

async function listOurs(...what: readonly string[]): Promise<string[]> {
  const label = `label=com.docker.compose.project=${project}`
  const lines = await docker([...what, '--filter', label])
  return lines.split('\n').filter(Boolean)
}

async function expectNothingLeft(): Promise<void> {
  expect(await listOurs('ps', '--all', '--quiet')).toEqual([])
  expect(await listOurs('volume', 'ls', '--quiet')).toEqual([])
  expect(await listOurs('network', 'ls', '--quiet')).toEqual([])
}

/** What the page says of a command, in the order of the commands. */
const promises: readonly (readonly [command: RegExp, kept: (printed: string) => unknown])[] = [
  [
    /--profile lab up .*--wait lab$/,
    async () => {
      const health = await fetch(`http://localhost:${labPort}/healthz`)
      expect(await health.json()).toMatchObject({ ok: true })
      const names = await listOurs('ps', '--format', '{{.Names}}')
      expect(names).toEqual([`${project}-lab-1`])
    },
  ],
  [/exec lab node check-health\.mjs$/, (printed) => expect(printed).toBe('')],
  [/logs lab$/, (printed) => expect(printed).toContain('Ming Registry Lab: http://localhost:')],
  [/--profile lab down --volumes$/, expectNothingLeft],
  [
    /^docker compose up --detach --wait$/,
    async () => {
      const names = await listOurs('ps', '--format', '{{.Names}}')
      expect(names.sort()).toEqual([1, 2, 3].map((number) => `${project}-etcd${number}-1`))
    },
  ],
  [
    /endpoint status --cluster --write-out=table$/,
    (printed) => {
      for (const name of ['etcd1', 'etcd2', 'etcd3']) expect(printed).toContain(`${name}:2379`)
    },
  ],
  [/etcdctl put /, (printed) => expect(printed).toBe('OK\n')],
  [/^export MING_REGISTRY_ENDPOINTS=/, (printed) => expect(printed).toBe('')],
  [/discover UserService$/, (printed) => expect(printed).toContain('127.0.0.1:8080')],
  [
    /^docker compose kill etcd1$/,
    async () => {
      const dead = await listOurs('ps', '--quiet', '--filter', 'status=exited', '--all')
      expect(dead).toHaveLength(1)
    },
  ],
  [/discover UserService$/, (printed) => expect(printed).toContain('127.0.0.1:8080')],
  [
    /up --detach --wait etcd1$/,
    async () => expect(await listOurs('ps', '--quiet')).toHaveLength(3),
  ],
  [/endpoint health --cluster$/, (printed) => expect(printed.match(/is healthy/g)).toHaveLength(3)],
  [/^docker compose down --volumes$/, expectNothingLeft],
]

test(
  'every command of the page does, as it is printed, what the page says',
  async () => {
    const commands = printedCommands()
    expect(commands).toHaveLength(promises.length)
    for (const [index, command] of commands.entries()) {
      const [wanted, kept] = promises[index]!
      expect(command).toMatch(wanted)
      await kept(await runAsPrinted(command))
    }
  },
  10 * 60_000,
)
