import type { Figure } from './report.ts'
import type { Site } from './site.ts'

/** How much is done: enough to measure, or just enough to see that it works. */
export type Sizes = {
  /** Webhooks in one round. */
  webhooks: number
  /** Rounds, product and baseline taking turns. */
  rounds: number
  /** Webhooks of a steady load. */
  steady: number
  /** Reveals in one round. */
  reveals: number
  /** Single payments on an idle system. */
  singles: number
  stories: number
  /** Leads stored before analytics are asked for; three unlocks each. */
  analysedLeads: number
  /** Leads stored before the figures are taken again; three unlocks each. */
  storedLeads: number
  /** Jobs before memory is measured first, and before it is measured last. */
  jobs: readonly [number, number]
}

export const FULL: Sizes = {
  webhooks: 3000,
  rounds: 5,
  steady: 10_000,
  reveals: 1000,
  singles: 200,
  stories: 200,
  analysedLeads: 333_334,
  storedLeads: 1_000_000,
  jobs: [5_000, 50_000],
}
export const SMOKE: Sizes = {
  webhooks: 60,
  rounds: 1,
  steady: 60,
  reveals: 20,
  singles: 5,
  stories: 8,
  analysedLeads: 60,
  storedLeads: 100,
  jobs: [50, 100],
}

/** A measurement. @throws {Error} when something was lost or sent twice */
export type Measure = (site: Site, sizes: Sizes, log: (line: string) => void) => Promise<Figure[]>
