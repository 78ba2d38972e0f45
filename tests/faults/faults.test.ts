import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type { FollowingRegistry } from '../../lab-server/registry/registry.ts'
import { createRegistryWorld, type RegistryWorld } from '../helpers/registry-world.ts'
import { seededRandom, type SeededRandom } from '../helpers/seeded-random.ts'
import { checkHistory } from './check-history.ts'
import { faultKinds, longTimes, shortTimes } from './fault-kinds.ts'
import { Stage } from './stage.ts'

/**
 * FAULTS says how many faults a run has (by default each kind once), FAULTS_SEED repeats their
 * order, FAULTS_LONG=1 makes outages last minutes.
 */
const seed = Number(process.env['FAULTS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const kinds = faultKinds(process.env['FAULTS_LONG'] === '1' ? longTimes : shortTimes)
const count = Number(process.env['FAULTS'] ?? kinds.length)
const msForOne = process.env['FAULTS_LONG'] === '1' ? 180_000 : 45_000

/** How late the outage may show: the registry finds a loss within one silence of its watch. */
const bounds = { missing: 4000, lingering: 4000 }

describe(`${count} faults in the order of seed ${seed}`, () => {
  let world: RegistryWorld<FollowingRegistry>

  beforeAll(async () => {
    world = await createRegistryWorld((client) => createEtcdRegistry({ client, guardMs: 10_000 }))
  })
  afterAll(async () => {
    await world.close()
  })

  it(
    'lose no living instance, keep no dead one, and every view is what etcd held',
    async () => {
      const random = seededRandom(seed)
      const stage = await Stage.open(world, random)
      try {
        await runFaults(stage, random)
      } finally {
        await stage.close()
      }
      const { history, end } = await stage.recorder.end()
      const broken = checkHistory(history, end, bounds)
      expect(broken, `seed ${seed}`).toEqual([])
      const views = history.consumers.map((consumer) => consumer.views.length)
      console.log(`${views.join(' + ')} views compared, ${history.providers.length} lives`)
    },
    count * msForOne,
  )

  async function runFaults(stage: Stage, random: SeededRandom): Promise<void> {
    for (const kind of chooseKinds(random)) {
      const from = stage.recorder.now()
      try {
        await kind.run(stage)
        await stage.settle()
      } catch (cause) {
        throw new Error(`${kind.name} (seed ${seed})`, { cause })
      }
      console.log(`${kind.name}: ${Math.round(stage.recorder.now() - from)} ms`)
    }
  }

  /** Every kind comes once before any comes again. */
  function chooseKinds(random: SeededRandom) {
    const chosen: (typeof kinds)[number][] = []
    while (chosen.length < count) {
      const rest = [...kinds]
      while (rest.length > 0) chosen.push(...rest.splice(random.integer(rest.length), 1))
    }
    return chosen.slice(0, count)
  }
})
