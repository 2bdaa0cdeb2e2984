import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Arrival, StoredArrival } from '../../../db/inbox/store.ts'
import { inTime } from '../../../in-time.ts'
import type { Publisher } from '../../../queues/publisher.ts'
import { HANDLER_TIMEOUT_MS } from '../../limits.ts'
import { ProblemError } from '../../problem.ts'
import { wakeUp } from '../../wake-up.ts'
import { resultOf } from './webhook-metrics.ts'

/** What a webhook is answered. */
export const Received = Type.Object({
  received: Type.Boolean({ description: 'False when there was nothing to keep' }),
  duplicate: Type.Boolean({ description: 'It had arrived before' }),
})

/**
 * Has what a webhook brought stored, and its handling woken up. Waits for Postgres as long as any route may take.
 *
 * @param raw the body
 * @param store keeps it
 * @returns what the webhook is answered
 * @throws {ProblemError} `unavailable`, when Postgres is not heard of for that long
 */
export async function keepArrival(
  publisher: Publisher,
  request: FastifyRequest,
  raw: Buffer,
  store: (arrival: Arrival) => Promise<StoredArrival>,
): Promise<Static<typeof Received>> {
  const storing = store({ raw, contentType: request.sentContentType, requestId: request.id })
  const stored = await inTime(storing, HANDLER_TIMEOUT_MS, () => {
    throw new ProblemError('unavailable')
  })
  request.webhookResult = resultOf(stored)
  await wakeUp(publisher, stored.due, { requestId: request.id })
  return { received: true, duplicate: stored.duplicate }
}
