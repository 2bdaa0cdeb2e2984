import { Gauge, type Registry } from 'prom-client'
import { OVERDUE_WORK } from '../db/due/overdue.ts'
import { ESCALATION_KINDS } from '../db/escalations/escalations.ts'
import { CLOSED_STATUSES, OPEN_STATUSES, type OpenFigures } from '../db/figures/figures.ts'
import { INBOX_SOURCES } from '../db/inbox/sources.ts'
import type { UnlockStatus } from '../domain/states.ts'
import { QUEUE_STATES, type QueueDepth } from '../queues/depths.ts'
import type { Collector } from './exposition.ts'

/** How the figures of the whole system are had. */
export type SystemFacts = {
  queues(): Promise<QueueDepth[]>
  open(): Promise<OpenFigures>
  closedUnlocks(): Promise<Map<UnlockStatus, number>>
}

/** Shorter than the usual time between scrapes: each sees fresh figures, and a second Prometheus costs nothing. */
const FRESH_MS = 10_000
/** Reads the whole table, and says nothing that anybody acts on. */
const CLOSED_FRESH_MS = 5 * 60_000

/**
 * Shows what is going on in the whole system, as Postgres and Redis tell it. Every process that shows it shows the same:
 * take the maximum over instances, not the sum.
 */
export function showSystem(registry: Registry, collector: Collector, facts: SystemFacts): void {
  collector.add({ source: 'queues', freshMs: FRESH_MS, read: facts.queues, ...queueGauges(registry) })
  const unlocks = unlockGauge(registry)
  const open = openGauges(registry)
  collector.add({
    source: 'database',
    freshMs: FRESH_MS,
    read: facts.open,
    show(figures: OpenFigures) {
      unlocks.show(OPEN_STATUSES, figures.unlocks)
      open.show(figures)
    },
    clear() {
      unlocks.clear(OPEN_STATUSES)
      open.clear()
    },
  })
  collector.add({
    source: 'closed_unlocks',
    freshMs: CLOSED_FRESH_MS,
    read: facts.closedUnlocks,
    show: (counts: Map<UnlockStatus, number>) => unlocks.show(CLOSED_STATUSES, counts),
    clear: () => unlocks.clear(CLOSED_STATUSES),
  })
}

function queueGauges(registry: Registry) {
  const registers = [registry]
  const jobs = new Gauge({
    name: 'lead_unlock_queue_jobs',
    help: 'Jobs that are not finished, by queue and where they are',
    labelNames: ['queue', 'state'],
    registers,
  })
  const paused = new Gauge({
    name: 'lead_unlock_queue_paused',
    help: '1 for a queue that somebody has paused',
    labelNames: ['queue'],
    registers,
  })
  return {
    show(depths: QueueDepth[]) {
      for (const depth of depths) {
        for (const state of QUEUE_STATES) jobs.set({ queue: depth.queue, state }, depth.jobs[state])
        paused.set({ queue: depth.queue }, depth.paused ? 1 : 0)
      }
    },
    clear() {
      jobs.reset()
      paused.reset()
    },
  }
}

function unlockGauge(registry: Registry) {
  const unlocks = new Gauge({
    name: 'lead_unlock_unlocks',
    help: 'Unlocks by state; those that are over are counted every five minutes',
    labelNames: ['status'],
    registers: [registry],
  })
  return {
    show(statuses: readonly UnlockStatus[], counts: Map<UnlockStatus, number>) {
      for (const status of statuses) unlocks.set({ status }, counts.get(status) ?? 0)
    },
    clear(statuses: readonly UnlockStatus[]) {
      for (const status of statuses) unlocks.remove({ status })
    },
  }
}

function openGauges(registry: Registry) {
  const registers = [registry]
  const escalations = new Gauge({
    name: 'lead_unlock_escalations_open',
    help: 'Open escalations by kind',
    labelNames: ['kind'],
    registers,
  })
  const unrevealed = new Gauge({
    name: 'lead_unlock_unrevealed_payment_age_seconds',
    help: 'Age of the oldest payment whose details have not gone out; 0 when there is none',
    labelNames: [],
    registers,
  })
  const inbox = new Gauge({
    name: 'lead_unlock_inbox_oldest_age_seconds',
    help: 'Age of the oldest webhook that was stored and not handled yet; 0 when there is none',
    labelNames: ['source'],
    registers,
  })
  const overdue = new Gauge({
    name: 'lead_unlock_overdue_seconds',
    help: 'For how long the oldest due work is overdue; 0 when none is',
    labelNames: ['work'],
    registers,
  })
  return {
    show(figures: OpenFigures) {
      for (const kind of ESCALATION_KINDS) escalations.set({ kind }, figures.escalations.get(kind) ?? 0)
      unrevealed.set(figures.oldestUnrevealedSeconds)
      for (const source of INBOX_SOURCES) inbox.set({ source }, figures.inboxAgeSeconds.get(source) ?? 0)
      for (const work of OVERDUE_WORK) overdue.set({ work }, figures.overdueSeconds.get(work) ?? 0)
    },
    clear() {
      for (const gauge of [escalations, inbox, overdue]) gauge.reset()
      unrevealed.remove()
    },
  }
}
