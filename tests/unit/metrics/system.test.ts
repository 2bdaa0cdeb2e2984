import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { createCollector } from '../../../src/metrics/exposition.ts'
import { type SystemFacts, showSystem } from '../../../src/metrics/system.ts'
import { readScrape } from '../../support/figures.ts'

/** Longer than any figure is shown without having been asked for again. */
const OUTDATED_MS = 11 * 60_000

it('what was read from a store that is away since is not shown as what is going on', async () => {
  let now = 0
  let away = false
  const unlessAway = async <T>(figures: T) => {
    if (away) throw new Error('away')
    return figures
  }
  const facts: SystemFacts = {
    queues: () =>
      unlessAway([
        { queue: 'reveal', jobs: { waiting: 3, prioritized: 0, active: 0, delayed: 0, failed: 0 }, paused: true },
      ]),
    open: () =>
      unlessAway({
        unlocks: new Map([['PAID', 2]]),
        escalations: new Map([['stuck', 1]]),
        oldestUnrevealedSeconds: 60,
        inboxAgeSeconds: new Map([['stripe', 5]]),
        overdueSeconds: new Map([['lead_unlocks', 7]]),
      }),
    closedUnlocks: () => unlessAway(new Map([['DONE', 9]])),
  }
  const registry = new Registry()
  const collector = createCollector(registry, { onError: () => undefined, now: () => now })
  showSystem(registry, collector, facts)
  const shown = async () => {
    const { samples } = readScrape(await collector.text())
    return [...samples].filter(([name, value]) => value !== 0 && !name.startsWith('lead_unlock_collect')).sort()
  }

  const before = [
    ['lead_unlock_escalations_open{kind="stuck"}', 1],
    ['lead_unlock_inbox_oldest_age_seconds{source="stripe"}', 5],
    ['lead_unlock_overdue_seconds{work="lead_unlocks"}', 7],
    ['lead_unlock_queue_jobs{queue="reveal",state="waiting"}', 3],
    ['lead_unlock_queue_paused{queue="reveal"}', 1],
    ['lead_unlock_unlocks{status="DONE"}', 9],
    ['lead_unlock_unlocks{status="PAID"}', 2],
    ['lead_unlock_unrevealed_payment_age_seconds{}', 60],
  ]
  expect(await shown()).toEqual(before)
  away = true
  now += OUTDATED_MS
  expect(await shown()).toEqual([])
  away = false
  now += OUTDATED_MS
  expect(await shown()).toEqual(before)
})
