import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type { FollowingRegistry } from '../../lab-server/registry/registry.ts'
import { createRegistryWorld, type RegistryWorld } from '../helpers/registry-world.ts'
import { secureEtcd, type SecuredEtcd } from '../helpers/secured-etcd.ts'
import { seededRandom, type SeededRandom } from '../helpers/seeded-random.ts'
import { faultBounds, guard } from './bounds.ts'
import { checkHistory } from './check-history.ts'
import { faultKinds, longTimes, shortTimes, type FaultKind } from './fault-kinds.ts'
import { formatBounds } from './report.ts'
import { Stage } from './stage.ts'
import { nextTurn } from './turn.ts'

/**
 * FAULTS says how many faults a run has, of all kinds; by default it has each kind once, but of
 * those that take long only the ones whose turn it is (FAULTS_TURN: 0, 1 or 2). FAULTS_SEED repeats
 * an order, FAULTS_LONG=1 makes outages last minutes, FAULTS_ONLY=text leaves the kinds whose names
 * have it.
 */
const { FAULTS, FAULTS_SEED, FAULTS_LONG, FAULTS_ONLY } = process.env
const isLong = FAULTS_LONG === '1'
const seed = Number(FAULTS_SEED ?? Math.floor(Math.random() * 2 ** 31))
const turn = FAULTS === undefined ? nextTurn() : null
const kinds = faultKinds(isLong ? longTimes : shortTimes)
  .filter((kind) => turn === null || kind.turn === undefined || kind.turn === turn)
  .filter(({ name }) => name.includes(FAULTS_ONLY ?? ''))
const count = Number(FAULTS ?? kinds.length)
const msForOne = isLong ? 180_000 : 60_000
const replay = [
  `FAULTS_SEED=${seed}`,
  turn === null ? `FAULTS=${count}` : `FAULTS_TURN=${turn}`,
  ...(isLong ? ['FAULTS_LONG=1'] : []),
  ...(FAULTS_ONLY === undefined ? [] : [`FAULTS_ONLY='${FAULTS_ONLY}'`]),
  'npm test -- integration faults/faults',
].join(' ')
/** As members are called everywhere. */
const members = ['etcd1', 'etcd2', 'etcd3']

describe(`${count} faults, again with ${replay}`, () => {
  let secured: SecuredEtcd
  let world: RegistryWorld<FollowingRegistry>

  beforeAll(async () => {
    secured = await secureEtcd(members)
    const guardMs = guard * 1000
    world = await createRegistryWorld((client) => createEtcdRegistry({ client, guardMs }), secured)
  })
  afterAll(async () => {
    await world.close()
    await secured.remove()
  })

  it(
    'lose no living instance, keep no dead one, and every view is what etcd held',
    async () => {
      const random = seededRandom(seed)
      const stage = await Stage.open({ world, secured, random })
      try {
        for (const kind of chooseKinds(random)) await runFault(stage, kind)
      } finally {
        await stage.close()
      }
      const { history, end } = await stage.recorder.end()
      console.log(formatBounds(history, end))
      const views = history.consumers.map((consumer) => consumer.views.length)
      console.log(`${views.join(' + ')} views compared, ${history.providers.length} lives`)
      expect(checkHistory(history, end), replay).toEqual([])
    },
    count * msForOne,
  )

  async function runFault(stage: Stage, kind: FaultKind): Promise<void> {
    const { recorder } = stage
    recorder.trial(kind.name, faultBounds[kind.name])
    const from = recorder.now()
    try {
      await kind.run(stage)
      recorder.settled(await stage.settle())
    } catch (cause) {
      throw new Error(`${kind.name}; again with ${replay}`, { cause })
    }
    console.log(`${kind.name}: ${Math.round(recorder.now() - from)} ms`)
  }

  /** Every kind comes once before any comes again. */
  function chooseKinds(random: SeededRandom): FaultKind[] {
    const chosen: FaultKind[] = []
    while (chosen.length < count) {
      const rest = [...kinds]
      while (rest.length > 0) chosen.push(...rest.splice(random.integer(rest.length), 1))
    }
    return chosen.slice(0, count)
  }
})
