import type { Config } from '../config.ts'
import { DEFAULT_LEDGER_TIMING, type LedgerTiming } from '../db/ledger/claim.ts'
import { openDatabase } from '../db/postgres/orm.ts'
import { poolUsage } from '../db/postgres/pool.ts'
import { ANSWERS_WITHIN_MS } from '../db/postgres/silent-connections.ts'
import { createSealer } from '../db/sealing/sealing.ts'
import type { CallObserver } from '../gateways/observer.ts'
import { createSendLimit } from '../gateways/send-limit.ts'
import { createStripe } from '../gateways/stripe.ts'
import { createTextMagic } from '../gateways/textmagic.ts'
import { createWebhookPost } from '../gateways/webhook-post.ts'
import type { Logger } from '../logging.ts'
import { measureSendLimit } from '../metrics/send-limit.ts'
import { createWorkerMetrics } from '../metrics/worker.ts'
import { DEFAULT_PREFIX, type RedisConnection } from '../queues/connection.ts'
import { createPublisher } from '../queues/publisher.ts'
import { logCall } from './call-log.ts'
import type { WorkerServices } from './deps.ts'
import { codeOf } from './errors.ts'

/** Connections to Postgres of one worker process, unless configured; more jobs than that wait for one. */
const POOL_SIZE = 20
/** Longest wait for a slot of the shared send limit, milliseconds. */
const SEND_LIMIT_WAIT_MS = 20_000
/**
 * Milliseconds: at 20 a second so much late makes five more in one second. Less would be the usual time of a claim where
 * Postgres is busy, and cost each message a second slot.
 */
const SLOT_LASTS_MS = 250

/** The most that TextMagic lists at a time. */
const REPLY_PAGE_SIZE = 100

export type OpenedServices = {
  services: WorkerServices
  /**
   * Ends long work, and every wait for a slot of the send limit, which is then not had: such jobs come back to other workers.
   */
  endWaits(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens what a worker process has once.
 *
 * @param redis a producer connection; not closed here
 * @returns the services, and how to close them in order
 */
export async function openServices(
  config: Config,
  redis: RedisConnection,
  log: Logger,
  options: { prefix?: string; ledgerTiming?: LedgerTiming } = {},
): Promise<OpenedServices> {
  const prefix = options.prefix ?? DEFAULT_PREFIX
  const db = await openDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize ?? POOL_SIZE,
    answersWithinMs: ANSWERS_WITHIN_MS,
  })
  const metrics = createWorkerMetrics(() => poolUsage(db))
  const observe: CallObserver = (call) => {
    metrics.gateways.called(call)
    logCall(call)
  }
  const sendLimit = createSendLimit({
    redis,
    prefix,
    perSecond: config.textmagic.ratePerSecond,
    maxWaitMs: SEND_LIMIT_WAIT_MS,
  })
  const limiter = measureSendLimit(sendLimit, metrics.gateways)
  const { username, apiKey, apiUrl, fromNumber } = config.textmagic
  const textmagic = createTextMagic({ baseUrl: apiUrl, username, apiKey, from: fromNumber ?? '', limiter, observe })
  const stripe = createStripe({ secretKey: config.stripe.secretKey, apiUrl: config.stripe.apiUrl, observe })
  const post = createWebhookPost({ observe })
  const stopping = new AbortController()
  const publisher = createPublisher(
    redis,
    (error, job, request_id) => {
      metrics.wakeUps.lost(job)
      log.warn({ request_id, job, error_code: codeOf(error) }, 'wake-up not published; the sweep repeats it')
    },
    prefix,
  )
  return {
    services: {
      db,
      sealer: createSealer(config.encryptionKeys),
      textmagic,
      stripe,
      post,
      publisher,
      log,
      metrics,
      settings: {
        brand: config.brandName,
        latePayment: config.latePayment,
        liveMoney: /^[sr]k_live_/.test(config.stripe.secretKey),
        revealConfirmMinutes: config.revealConfirmMinutes,
        fallbackUrl: config.fallbackSmsWebhookUrl,
        alertUrl: config.opsAlertWebhookUrl,
        quiet: config.quiet,
        retentionDays: config.retentionDays,
        ledgerTiming: options.ledgerTiming ?? DEFAULT_LEDGER_TIMING,
        replyPageSize: REPLY_PAGE_SIZE,
        slotLastsMs: SLOT_LASTS_MS,
      },
      stopping: stopping.signal,
    },
    endWaits() {
      stopping.abort()
      return sendLimit.close()
    },
    async close() {
      await publisher.close()
      await Promise.all([textmagic.close(), stripe.close(), post.close()])
      await db.close()
    },
  }
}
