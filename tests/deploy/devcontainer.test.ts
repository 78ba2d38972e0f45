import { readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import * as z from 'zod'
import manifest from '../../package.json' with { type: 'json' }

const file = path.resolve(import.meta.dirname, '../../.devcontainer/devcontainer.json')

/**
 * The fields that we use of a dev container, and no others; no package ships the whole schema.
 * https://containers.dev/implementors/json_reference/
 */
const devContainer = z.strictObject({
  name: z.string().min(1),
  image: z.string().regex(/^[\w./-]+:[\w.-]+$/),
  postCreateCommand: z.string(),
  forwardPorts: z.array(z.int().min(1).max(65_535)),
  portsAttributes: z.record(
    z.string().regex(/^\d+$/),
    z.strictObject({
      label: z.string(),
      onAutoForward: z.enum([
        'notify',
        'openBrowser',
        'openBrowserOnce',
        'openPreview',
        'silent',
        'ignore',
      ]),
      requireLocalPort: z.boolean().optional(),
    }),
  ),
  init: z.boolean(),
  customizations: z.strictObject({
    vscode: z.strictObject({
      extensions: z.array(z.string().regex(/^[\w-]+\.[\w-]+$/)),
      settings: z.record(z.string(), z.unknown()),
    }),
  }),
})

/** It is JSON with comments, as the specification allows. */
function readDevContainer() {
  const read: { config?: unknown; error?: ts.Diagnostic } = ts.parseConfigFileTextToJson(
    file,
    readFileSync(file, 'utf8'),
  )
  if (read.error !== undefined) {
    throw new Error(ts.flattenDiagnosticMessageText(read.error.messageText, '\n'))
  }
  return devContainer.parse(read.config)
}

test('the dev container has only fields of the specification, with values that it allows', () => {
  expect(() => readDevContainer()).not.toThrow()
})

test('it sets everything up when it is created, with a script that exists', () => {
  const { postCreateCommand } = readDevContainer()
  const script = /^npm run ([\w:-]+)$/.exec(postCreateCommand)?.[1] ?? ''
  expect(Object.keys(manifest.scripts)).toContain(script)
})

test('it brings a Node that nothing has to be fetched for', () => {
  expect(readDevContainer().image).toMatch(/javascript-node:24/)
})

test('it forwards the port at which npm start serves', () => {
  const config = readFileSync(
    path.resolve(import.meta.dirname, '../../lab-server/config.ts'),
    'utf8',
  )
  const port = Number(/PORT: port\.default\((\d+)\)/.exec(config)?.[1])
  expect(readDevContainer().forwardPorts).toEqual([port])
  expect(readDevContainer().portsAttributes).toHaveProperty(String(port))
})
