import type { Arrival, StoredArrival } from '../../db/inbox/store.ts'
import { isRefusedRow } from '../../db/postgres/sqlstates.ts'
import { GatewayError, NotDoneError, RefusedError, UnclearError } from '../../gateways/errors.ts'
import type { WorkerServices } from '../deps.ts'

/** In a row: the gateway is away, rather than unable to speak of one. */
const MAX_UNANSWERED = 3

/**
 * Stores what was found, one after the other. One that Postgres refuses, or that a gateway will not speak of, or not so that
 * it can be read, does not keep those after it from being stored, a STOP for one.
 *
 * @param store answers how many were new
 * @throws the first error of those that were refused or not answered, once all were tried; any other error at once, and that
 *   of a gateway that is away or of a process which stops before the next: it takes minutes to ask about every link
 */
export async function storeEach<T>(
  services: WorkerServices,
  found: Iterable<T> | AsyncIterable<T>,
  store: (one: T) => Promise<number>,
): Promise<number> {
  const failures: unknown[] = []
  let unanswered = 0
  let stored = 0
  for await (const one of found) {
    if (services.stopping.aborted) throw new NotDoneError('closing')
    try {
      stored += await store(one)
      unanswered = 0
    } catch (error) {
      if (concernsOneAlone(error)) unanswered = 0
      else if (error instanceof GatewayError && unanswered + 1 < MAX_UNANSWERED) unanswered += 1
      else throw error
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return stored
}

function concernsOneAlone(error: unknown): boolean {
  if (error instanceof UnclearError) return error.code === 'unreadable_answer'
  return error instanceof RefusedError || isRefusedRow(error)
}

/** Puts what was found through the inbox, as its webhook would have. @returns how many were new */
export async function keep(
  services: WorkerServices,
  requestId: string,
  store: (arrival: Arrival) => Promise<StoredArrival>,
  content: unknown,
): Promise<number> {
  const stored = await store({ raw: Buffer.from(JSON.stringify(content)), contentType: 'application/json', requestId })
  if (stored.duplicate) return 0
  await services.publisher.publish(stored.due, { requestId })
  return 1
}
