import { availableParallelism } from 'node:os'
import { expect, inject, test } from 'vitest'
import type { Told } from '../support/simulation/history.ts'
import { runHistories } from '../support/simulation/runner.ts'

const HISTORIES = 12
/** The suite always lives through the same histories; `SIMULATION_SEED`, or `npm run simulate`, through others. */
const seed = Number(process.env.SIMULATION_SEED ?? 1)

test(`nothing is lost and nothing happens twice in ${HISTORIES} random histories from seed ${seed}`, async () => {
  const broken: Told[] = []
  const tally = await runHistories({
    histories: HISTORIES,
    seed,
    processes: Math.min(2, availableParallelism()),
    databaseUrl: inject('databaseUrl'),
    onTold: (told) => {
      if (told.violations.length > 0) broken.push(told)
    },
  })
  expect(broken.map(told).join('\n\n')).toBe('')
  // A simulation in which nothing happens would find nothing.
  for (const what of ['unlock DONE', 'task crashed', 'task suspended', 'payment refunded', 'sent stop_confirmation']) {
    expect(tally[what], what).toBeGreaterThan(0)
  }
})

test('the same seed lives through the same history', async () => {
  const live = async () => {
    const histories: Told[] = []
    const options = { histories: 4, seed, processes: 2, databaseUrl: inject('databaseUrl') }
    await runHistories({ ...options, onTold: (told) => histories.push(told) })
    return histories.sort((a, b) => a.seed - b.seed).map(({ steps }) => steps)
  }
  expect(await live()).toEqual(await live())
})

function told({ seed, steps, violations }: Told): string {
  return [
    `npm run simulate -- --histories 1 --seed ${seed}`,
    ...steps.map((step) => `  ${step}`),
    ...violations.map((violation) => `  BROKEN ${violation}`),
  ].join('\n')
}
