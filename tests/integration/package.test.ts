import { execFile } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { startEtcdCluster, type EtcdCluster } from '../helpers/etcd-cluster.ts'
import { runMing } from '../helpers/ming.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const root = path.resolve(import.meta.dirname, '../..')
const installMs = 120_000

let cluster: EtcdCluster

beforeAll(async () => {
  cluster = await startEtcdCluster()
})

afterAll(async () => {
  await cluster.close()
})

/** Runs a program as a user's shell would; rejects with what it printed when it fails. */
async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  // Without what npm told the script that runs these tests.
  const own = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
  const env = Object.fromEntries(own)
  const { stdout } = await promisify(execFile)(program, args, { cwd, env, timeout: installMs })
  return stdout
}

/** An empty project with the package in it, as somebody else gets it. */
async function installPackage(): Promise<string> {
  const folder = await temporaryFolder()
  const project = path.join(folder, 'project')
  await mkdir(project)
  await run('npm', ['pack', '--silent', '--pack-destination', folder], root)
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? ''
  await writeFile(path.join(project, 'package.json'), '{ "private": true, "type": "module" }')
  const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  await run('npm', ['install', ...quietly, path.join(folder, tarball)], project)
  return project
}

const application = `
import { metrics, trace } from '@opentelemetry/api'
import {
  LabError,
  openRegistry,
  readRegistryConfig,
  type Discovery,
  type OpenRegistry,
  type RegistryConfig,
} from 'ming-registry-lab/registry'

// @ts-expect-error The types are there: this lacks half of what a discovery is.
export const wrong: Discovery = { instances: [] }

export async function main(endpoints: readonly string[]): Promise<number> {
  const { config }: { config: RegistryConfig } = readRegistryConfig({
    options: { endpoints, timeoutMs: 5000 },
    env: process.env,
  })
  const onTrouble = (error: LabError) => console.error(error.code)
  const meterProvider = metrics.getMeterProvider()
  const tracerProvider = trace.getTracerProvider()
  const opened: OpenRegistry = openRegistry(config, { onTrouble, meterProvider, tracerProvider })
  const instance = {
    serviceName: 'Installed',
    serviceVersion: '1.0',
    serviceHost: '127.0.0.1',
    servicePort: 8080,
    serviceGroup: 'default',
  }
  await opened.registry.register(instance, { ttlSeconds: 10 })
  const found: Discovery = await opened.registry.discover({ name: 'Installed', version: '1.0' })
  await opened.close()
  return found.instances.length
}
`

const script = `
import { LabError, openRegistry } from 'ming-registry-lab/registry'

const opened = openRegistry({ endpoints: process.argv.slice(2) })
const id = { name: 'Installed', version: '1.0' }
const instance = { serviceName: 'Installed', serviceVersion: '1.0', serviceHost: '127.0.0.1', servicePort: 8080, serviceGroup: 'default' }
await opened.registry.register(instance)
const { instances } = await opened.registry.discover(id)
const refused = await opened.registry.deregister({ ...instance, servicePort: 1 }).catch((error) => error)
await opened.close()
console.log(instances.length, refused instanceof LabError, refused.code)
`

const compilerOptions = {
  module: 'NodeNext',
  target: 'ES2024',
  strict: true,
  noEmit: true,
  // The types of the package are checked like the user's own.
  skipLibCheck: false,
  types: ['node'],
}

test(
  'the packed package holds ming and the registry, and drags in nothing of the site',
  { timeout: 2 * installMs },
  async () => {
    const project = await installPackage()
    const installed = path.join(project, 'node_modules/ming-registry-lab')
    const files = await readdir(installed, { recursive: true })
    expect(files.filter((file) => /(?<!\.d)\.ts$/.test(file))).toEqual([])
    expect(files.filter((file) => /\.(?:astro|mdx|mjs|test\.js)$/.test(file))).toEqual([])
    const beside = await readdir(path.join(project, 'node_modules'))
    expect(beside).toEqual(expect.arrayContaining(['@opentelemetry', 'etcd3', 'zod']))
    const telemetry = await readdir(path.join(project, 'node_modules/@opentelemetry'))
    expect(telemetry).toEqual(['api'])
    for (const foreign of ['astro', '@astrojs', 'express', 'ws', '@xterm', 'typescript']) {
      expect(beside).not.toContain(foreign)
    }

    const program = [path.join(project, 'node_modules/.bin/ming')] as const
    const version = await runMing(['version'], { program })
    expect(version).toMatchObject({ code: 0, stderr: '' })
    expect(version.stdout).toMatch(/ming +\d+\.\d+\.\d+\n$/)
    const env = { MING_REGISTRY_ENDPOINTS: cluster.endpoints.join(',') }
    const found = await runMing(['discover', 'Installed', '--output', 'json'], { program, env })
    expect(found).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(found.stdout)).toMatchObject({ instances: [] })

    await writeFile(path.join(project, 'app.ts'), application)
    await writeFile(
      path.join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['app.ts'] }),
    )
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
    expect(await run(process.execPath, [tsc, '-p', project], project)).toBe('')

    await writeFile(path.join(project, 'app.js'), script)
    const output = await run(process.execPath, ['app.js', ...cluster.endpoints], project)
    expect(output).toBe('1 true NOT_REGISTERED\n')
    const etcd = new EtcdClient({ endpoints: cluster.endpoints })
    try {
      expect((await etcd.range({ prefix: '' })).count).toBe(0)
      expect((await etcd.leases()).ids).toEqual([])
    } finally {
      etcd.close()
    }
  },
)
