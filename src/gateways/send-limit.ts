import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster, Redis } from 'ioredis'
import { SEND_CLASSES, type SendClass } from '../domain/outbound.ts'
import { GatewayError, NotDoneError } from './errors.ts'
import { LEAVE_QUEUE, TAKE_SLOT } from './send-limit-script.ts'

/**
 * Slots are this much further apart than the rate asks for, because the gateway counts arrivals: a call may take longer
 * to arrive than the next one. Twenty calls at 20/s arrive within any second while their delays differ by under 100 ms.
 */
const HEADROOM = 1.1
/** A slot may be taken this much before its time, so that a timer firing late does not waste it. */
const AHEAD_MS = 25
/** A waiter asks again at least this often; one not seen for `FRESH_MS` belongs to a process that died. */
const REFRESH_MS = 250
const FRESH_MS = 1_500
const KEYS_LIVE_MS = 60_000

export type SendLimit = {
  /**
   * Waits until a call of this class may be made; make it at once.
   *
   * @throws NotDoneError `send_limit` when no slot came within the longest wait, `send_limit_unavailable` when Redis does
   * not answer, `closing` after `close()`
   */
  acquire(sendClass: SendClass): Promise<void>
  /** Ends every wait. The Redis connection stays the caller's. */
  close(): Promise<void>
}

/**
 * The one limit on calls to the SMS gateway, shared by every process with the same Redis and prefix. Calls are spaced
 * evenly, so no second holds more than `perSecond` of them, and a class is served only when no call of a class before it in
 * SEND_CLASSES waits; within a class, first come, first served.
 *
 * The order is strict: while calls of higher classes take every slot, a lower one waits, and after `maxWaitMs` gives up
 * with an error that its job retries. Starvation is bounded by the work at hand: reveals, links and notices each answer
 * something a person did, and do not come at 20 a second for long.
 *
 * @param options.perSecond calls per second, above 0
 * @param options.maxWaitMs longest wait of one call, milliseconds
 * @param options.prefix of the keys, which hold counters and random ids only and expire by themselves; in a cluster it has
 *   to hold braces, or the keys get into several slots
 */
export function createSendLimit(options: {
  redis: Redis | Cluster
  prefix: string
  perSecond: number
  maxWaitMs: number
}): SendLimit {
  const { redis, perSecond, maxWaitMs } = options
  const key = (name: string) => `${options.prefix}:send-limit:${name}`
  const keys = { next: key('next'), queue: key('queue'), seen: key('seen'), arrivals: key('arrivals') }
  const intervalUs = Math.ceil((1_000_000 * HEADROOM) / perSecond)
  const keepMs = KEYS_LIVE_MS + Math.ceil(intervalUs / 1000)
  const closing = new AbortController()

  async function takeSlot(waiter: string, rank: number, score: number): Promise<Step> {
    const limits = [intervalUs, AHEAD_MS * 1000, FRESH_MS, keepMs]
    const { next, queue, seen, arrivals } = keys
    return readStep(await redis.eval(TAKE_SLOT, 4, next, queue, seen, arrivals, waiter, rank, score, ...limits))
  }

  async function wait(waiter: string, rank: number, deadline: number): Promise<void> {
    let score = 0
    while (performance.now() < deadline) {
      const step = await withinTime(takeSlot(waiter, rank, score), deadline, closing.signal)
      if (step === 'late') break
      if (step.taken) {
        await pause(step.waitMs, closing.signal)
        return
      }
      score = step.score
      await pause(Math.min(step.waitMs, REFRESH_MS, deadline - performance.now()), closing.signal)
    }
    // Without a place in the queue, Redis never answered.
    throw new NotDoneError(score === 0 ? 'send_limit_unavailable' : 'send_limit')
  }

  return {
    async acquire(sendClass) {
      const waiter = randomUUID()
      try {
        await wait(waiter, SEND_CLASSES.indexOf(sendClass), performance.now() + maxWaitMs)
      } catch (error) {
        // Not waited for: a Redis that is away must not hold the error back, and a waiter unseen is soon forgotten.
        redis.eval(LEAVE_QUEUE, 2, keys.queue, keys.seen, waiter).catch(() => undefined)
        if (closing.signal.aborted) throw new NotDoneError('closing')
        throw error instanceof GatewayError ? error : new NotDoneError('send_limit_unavailable')
      }
    },
    async close() {
      closing.abort()
    },
  }
}

type Step = { taken: boolean; waitMs: number; score: number }

function readStep(answer: unknown): Step {
  if (!Array.isArray(answer) || !answer.every((value) => typeof value === 'number')) {
    throw new NotDoneError('send_limit_unavailable', { detail: 'unreadable_answer' })
  }
  const [taken = 0, waitUs = 0, score = 0] = answer
  return { taken: taken === 1, waitMs: Math.ceil(waitUs / 1000), score }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal })
}

/** A Redis that is silent answers late, and on a connection that queues commands while it is away, never. */
async function withinTime<T>(step: Promise<T>, deadline: number, closing: AbortSignal): Promise<T | 'late'> {
  const timer = new AbortController()
  const end = () => timer.abort()
  // Not AbortSignal.any: a signal that lives as long as the process remembers each one that was made of it.
  closing.addEventListener('abort', end)
  if (closing.aborted) end()
  const late = delay(Math.max(1, deadline - performance.now()), 'late' as const, { signal: timer.signal })
  try {
    return await Promise.race([step, late])
  } finally {
    closing.removeEventListener('abort', end)
    timer.abort()
  }
}
