import { invalidRequest, StripeApiError } from '../api-error.ts'
import type { Clock } from '../ledger/clock.ts'
import type { Collection } from '../ledger/collection.ts'
import type { ApiAnswer, IdempotencyRecord } from '../ledger/records.ts'

const keptMilliseconds = 24 * 60 * 60 * 1000
const longestKey = 255

/**
 * Idempotency keys as Stripe keeps them (https://docs.stripe.com/api/idempotent_requests): the first answer is replayed,
 * a 400 or 500 included; other parameters, another endpoint and a key in use are errors; forgotten after 24 hours.
 */
export class IdempotencyKeys {
  readonly #records: Collection<IdempotencyRecord>
  readonly #clock: Clock
  readonly #inFlight = new Map<string, { endpoint: string; fingerprint: string }>()

  constructor(records: Collection<IdempotencyRecord>, clock: Clock) {
    this.#records = records
    this.#clock = clock
  }

  /** Takes the key for a request: the answer to replay, or undefined when the request is the first. Throws Stripe's errors. */
  take(key: string, endpoint: string, fingerprint: string): ApiAnswer | undefined {
    if (key.length > longestKey) {
      throw invalidRequest(`Idempotency key is too long: at most ${longestKey} characters are allowed.`)
    }
    const earlier = this.#inFlight.get(key) ?? this.#kept(key)
    if (earlier !== undefined) assertSame(key, earlier, endpoint, fingerprint)
    if (this.#inFlight.has(key)) {
      throw new StripeApiError(409, {
        type: 'idempotency_error',
        code: 'idempotency_key_in_use',
        message: `There is currently another in-progress request using this Idempotent Key: ${key}`,
      })
    }
    const kept = this.#kept(key)
    if (kept !== undefined) return kept.answer
    this.#inFlight.set(key, { endpoint, fingerprint })
    return undefined
  }

  /** Remembers the answer of a request that took its key. */
  save(key: string, endpoint: string, fingerprint: string, answer: ApiAnswer): void {
    this.#records.put({ id: key, endpoint, fingerprint, startedAt: this.#clock.now().getTime(), answer })
  }

  /** The request is over, answered or not. */
  release(key: string): void {
    this.#inFlight.delete(key)
  }

  #kept(key: string): IdempotencyRecord | undefined {
    const record = this.#records.get(key)
    const isOver = record !== undefined && this.#clock.now().getTime() - record.startedAt >= keptMilliseconds
    return isOver ? undefined : record
  }
}

function assertSame(
  key: string,
  earlier: { endpoint: string; fingerprint: string },
  endpoint: string,
  fingerprint: string,
): void {
  const rule =
    earlier.endpoint !== endpoint
      ? 'the same endpoint they were first used for'
      : earlier.fingerprint !== fingerprint
        ? 'the same parameters they were first used with'
        : undefined
  if (rule === undefined) return
  throw new StripeApiError(400, {
    type: 'idempotency_error',
    message: `Keys for idempotent requests can only be used for ${rule}. Try using a key other than '${key}' if you meant to execute a different request.`,
  })
}
