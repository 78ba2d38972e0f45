import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { provideEngine, wantsEngine } from './engine.mjs'
import { SuiteUnavailable } from './setup-error.mjs'

/** A PATH whose only program is a `docker` that does this. */
async function searchPathWith(script: string): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'engine-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(path.join(folder, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return folder
}

const noFetching = '/nowhere'

describe('an engine is asked for', () => {
  test.each([
    [{}, false],
    [{ LAB_ENGINE: '' }, false],
    [{ CI: 'false' }, false],
    [{ LAB_ENGINE: 'install' }, true],
    [{ CI: 'true' }, true],
  ])('with %j: %s', (env, wanted) => {
    expect(wantsEngine(env)).toBe(wanted)
  })

  test('never by a word that nobody knows', () => {
    expect(() => wantsEngine({ LAB_ENGINE: 'yes' })).toThrow('LAB_ENGINE=yes: expected install')
  })
})

describe('provideEngine', () => {
  test('uses the engine that answers, where its context points, and leaves it running', async () => {
    const PATH = await searchPathWith(`case "$1" in
      version) echo 28.0.1 ;;
      context) echo unix:///run/user/1000/docker.sock ;;
      compose) echo 2.40.3 ;;
    esac`)
    const engine = await provideEngine({ cache: noFetching, env: { PATH } })
    expect(engine.version).toBe('28.0.1')
    expect(engine.env).toEqual({ DOCKER_HOST: 'unix:///run/user/1000/docker.sock' })
    await engine.close()
  })

  test('skips, and says how to get one, where a client finds no engine', async () => {
    const PATH = await searchPathWith('echo Cannot connect to the Docker daemon >&2; exit 1')
    const providing = provideEngine({ cache: noFetching, env: { PATH } })
    await expect(providing).rejects.toThrow(SuiteUnavailable)
    await expect(providing).rejects.toThrow(/Cannot connect[^]*LAB_ENGINE=install/)
  })

  test('skips where there is no client at all', async () => {
    const providing = provideEngine({ cache: noFetching, env: { PATH: noFetching } })
    await expect(providing).rejects.toThrow(SuiteUnavailable)
    await expect(providing).rejects.toThrow('ENOENT')
  })
})
