import type { MikroORM } from '@mikro-orm/postgresql'
import type { Logger } from 'pino'
import type { LedgerTiming } from '../db/ledger/claim.ts'
import type { EntityManager } from '../db/postgres/orm.ts'
import type { Sealer } from '../db/sealing/sealing.ts'
import type { Due } from '../domain/due.ts'
import type { QuietPolicy } from '../domain/quiet-hours.ts'
import type { LatePayment } from '../domain/transition.ts'
import type { StripeGateway } from '../gateways/stripe.ts'
import type { TextMagic } from '../gateways/textmagic.ts'
import type { WebhookPost } from '../gateways/webhook-post.ts'
import type { WorkerMetrics } from '../metrics/worker.ts'
import type { Publisher, PublishOptions } from '../queues/publisher.ts'

export type WorkerSettings = {
  brand: string
  latePayment: LatePayment
  /** Stripe's key is of the live mode. */
  liveMoney: boolean
  revealConfirmMinutes: number
  /** Null when no other system takes what is not about a lead. */
  fallbackUrl: string | null
  alertUrl: string | null
  ledgerTiming: LedgerTiming
  /** Replies that the backfill asks for at a time. */
  replyPageSize: number
  /** How long after a slot of the send limit was given the call may still be made in it, milliseconds. */
  slotLastsMs: number
  quiet: QuietPolicy
  /** Contact details of leads closed for this long are erased; 0 keeps them for ever. */
  retentionDays: number
}

/** What every worker process has once. */
export type WorkerServices = {
  db: MikroORM
  sealer: Sealer
  textmagic: TextMagic
  stripe: StripeGateway
  post: WebhookPost
  publisher: Publisher
  log: Logger
  metrics: WorkerMetrics
  settings: WorkerSettings
  /** Aborted once the process stops: long work is left to another. */
  stopping: AbortSignal
}

/** What one attempt of one job gets: an entity manager, a logger and a request id of its own. */
export type JobDeps = WorkerServices & {
  em: EntityManager
  /** The id of the request that caused this job, or one made for the job; in every line it logs and every job it causes. */
  requestId: string
  /** Publishes wake-ups under this job's request id. */
  publish(due: readonly Due[], options?: PublishOptions): Promise<void>
}
