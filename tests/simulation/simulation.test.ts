import { availableParallelism } from 'node:os'
import { beforeAll, expect, inject, test } from 'vitest'
import type { Told } from '../support/simulation/history.ts'
import { runHistories } from '../support/simulation/runner.ts'
import type { Tally } from '../support/simulation/tally.ts'

const HISTORIES = 200
/** Of those, lived through once more. */
const REPLAYED = 4
/** The suite always lives through the same histories; `SIMULATION_SEED`, or `npm run simulate`, through others. */
const seed = Number(process.env.SIMULATION_SEED ?? 1)

let lived: { histories: Told[]; tally: Tally }

beforeAll(async () => {
  lived = await live(seed, HISTORIES)
})

test(`nothing is lost and nothing happens twice in ${HISTORIES} random histories from seed ${seed}`, () => {
  const broken = lived.histories.filter(({ violations }) => violations.length > 0)
  expect(broken.map(told).join('\n\n')).toBe('')
  expect(lived.histories).toHaveLength(HISTORIES)
  // A simulation in which nothing happens would find nothing.
  for (const what of ['unlock DONE', 'task crashed', 'task suspended', 'payment refunded', 'sent stop_confirmation']) {
    expect(lived.tally[what], what).toBeGreaterThan(0)
  }
})

test('the same seed lives through the same history', async () => {
  const first = seed + HISTORIES - REPLAYED
  const again = await live(first, REPLAYED)
  const before = lived.histories.filter((history) => history.seed >= first)
  expect(again.histories.map(({ steps }) => steps)).toEqual(before.map(({ steps }) => steps))
})

/** Lives through histories, told in the order of their seeds. */
async function live(from: number, count: number): Promise<typeof lived> {
  const histories: Told[] = []
  const tally = await runHistories({
    histories: count,
    seed: from,
    processes: Math.min(2, availableParallelism()),
    databaseUrl: inject('databaseUrl'),
    onTold: (one) => histories.push(one),
  })
  return { histories: histories.sort((a, b) => a.seed - b.seed), tally }
}

function told({ seed, steps, violations }: Told): string {
  return [
    `npm run simulate -- --histories 1 --seed ${seed}`,
    ...steps.map((step) => `  ${step}`),
    ...violations.map((violation) => `  BROKEN ${violation}`),
  ].join('\n')
}
