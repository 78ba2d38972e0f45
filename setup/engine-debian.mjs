import { existsSync } from 'node:fs'
import { mkdir, rename, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { addToCache } from './cache.mjs'
import { createPrivateApt, fromFirstSuite, ownRelease, unpackPackages } from './private-apt.mjs'
import { explainFailure, run } from './process.mjs'
import { SetupError } from './setup-error.mjs'

/** Newest first: one program, which runs on older releases too. Bookworm's is the first compose. */
const composeSuites = ['sid', 'testing', 'trixie']

/** From trixie on the client is a package of its own. */
const clientInside = new Set(['bullseye', 'bookworm'])

const installed = '/var/lib/dpkg/status'

/**
 * Debian's Docker engine, unpacked into the cache, with what it needs and this machine lacks. It is
 * this machine's own release: the engine leans on the system's libraries.
 * @param {string} cache
 * @returns {Promise<string>} a folder like a root directory: usr/sbin/dockerd, usr/bin/docker
 */
export async function fetchEngineFromDebian(cache) {
  const release = await ownRelease()
  if (release === null) throw new SetupError('not a Debian system')
  const name = `engine-debian-${release}-${process.platform}-${process.arch}`
  const dockerd = 'usr/sbin/dockerd'
  if (existsSync(path.join(cache, name, dockerd))) {
    if (await engineRuns(path.join(cache, name))) return path.join(cache, name)
    // The libraries it leant on have gone from this machine.
    await rm(path.join(cache, name), { recursive: true })
  }
  const packages = ['docker.io', ...(clientInside.has(release) ? [] : ['docker-cli'])]
  return await fromFirstSuite([release], (source) =>
    addToCache(cache, name, dockerd, async (folder) => {
      const work = path.join(folder, 'apt')
      const apt = await createPrivateApt(work, source, { status: installed })
      const options = ['--download-only', '--yes', '--no-install-recommends']
      await apt(['install', ...options, ...packages], 'downloading the packages')
      await unpackPackages(path.join(work, 'cache/archives'), folder)
      await rm(work, { recursive: true })
      await rm(path.join(folder, 'usr/share'), { recursive: true, force: true })
      await nameFirewallPrograms(folder)
      if (!(await engineRuns(folder))) throw new SetupError('dockerd does not run here')
    }),
  )
}

/** @param {string} folder */
async function engineRuns(folder) {
  const env = engineEnvironment(folder)
  for (const program of ['usr/sbin/dockerd', 'usr/sbin/runc', 'usr/bin/docker']) {
    const options = { env, timeoutMs: 10_000 }
    const finished = await run(path.join(folder, program), ['--version'], options)
    if (finished.code !== 0) return false
  }
  return true
}

/**
 * The names are made by the package's installation, which does not happen here. The engine needs
 * them for the name server inside a network of containers.
 * @param {string} folder
 */
async function nameFirewallPrograms(folder) {
  const programs = path.join(folder, 'usr/sbin')
  const multi = 'xtables-nft-multi'
  if (!existsSync(path.join(programs, multi))) return
  for (const version of ['iptables', 'ip6tables']) {
    for (const use of ['', '-save', '-restore']) {
      await symlink(multi, path.join(programs, `${version}${use}`))
    }
  }
}

/**
 * The environment in which an unpacked engine finds its own programs and libraries.
 * @param {string} folder
 * @returns {NodeJS.ProcessEnv}
 */
export function engineEnvironment(folder) {
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
  const libraries = path.join(folder, 'usr/lib', triplet)
  const extensions = path.join(libraries, 'xtables')
  return {
    ...process.env,
    PATH: ['usr/bin', 'usr/sbin']
      .map((part) => path.join(folder, part))
      .concat(process.env['PATH'] ?? '')
      .join(path.delimiter),
    LD_LIBRARY_PATH: libraries,
    ...(existsSync(extensions) && { XTABLES_LIBDIR: extensions }),
  }
}

/**
 * Docker's compose plugin from Debian, unpacked into the cache.
 * @param {string} cache
 * @returns {Promise<string>} a folder for DOCKER_CONFIG
 */
export async function fetchComposeFromDebian(cache) {
  const name = `compose-debian-${process.platform}-${process.arch}`
  const plugin = 'cli-plugins/docker-compose'
  const config = path.join(cache, name)
  if (existsSync(path.join(config, plugin))) return config
  return await fromFirstSuite(composeSuites, (source) =>
    addToCache(cache, name, plugin, async (folder) => {
      const work = path.join(folder, 'apt')
      const apt = await createPrivateApt(work, source)
      await apt(['download', 'docker-compose'], 'downloading the package')
      const tree = path.join(work, 'tree')
      await unpackPackages(work, tree)
      await mkdir(path.join(folder, 'cli-plugins'))
      await rename(path.join(tree, 'usr/libexec/docker', plugin), path.join(folder, plugin))
      await rm(work, { recursive: true })
      const finished = await run(path.join(folder, plugin), ['version'], { timeoutMs: 10_000 })
      if (finished.code !== 0) throw new SetupError(explainFailure(finished))
    }),
  )
}
