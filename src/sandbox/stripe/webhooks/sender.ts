import { Agent } from 'undici'
import type { Collection } from '../ledger/collection.ts'
import type { DeliveryAttempt, EventRecord } from '../ledger/records.ts'
import { found } from '../ledger/refusal.ts'
import { isAccepted, postEvent, type WebhookEndpoint } from './post.ts'

export type ReleaseOptions = {
  /** Send what was held in random order. */
  shuffle?: boolean | undefined
  /** Send it newest first. */
  reverse?: boolean | undefined
  /** Send each event twice. */
  duplicate?: boolean | undefined
}

export type SenderOptions = {
  events: Collection<EventRecord>
  endpoint: WebhookEndpoint
  /** Milliseconds to wait after the first, second… failed attempt; after the last of them Stripe gives up. */
  retryDelaysMs: readonly number[]
  /** Keep events back from the start, until released. */
  hold: boolean
  /** The time signatures carry. */
  signedAt: () => Date
}

/** Delivers events to the webhook endpoint, each on its own schedule: no order between them is promised, as at Stripe. */
export class WebhookSender {
  readonly #options: SenderOptions
  readonly #agent = new Agent()
  readonly #closing = new AbortController()
  readonly #retries = new Map<string, NodeJS.Timeout>()
  readonly #underWay = new Set<Promise<unknown>>()
  #endpoint: WebhookEndpoint
  #holding: boolean
  #held: string[] = []

  constructor(options: SenderOptions) {
    this.#options = options
    this.#endpoint = options.endpoint
    this.#holding = options.hold
  }

  get endpoint(): WebhookEndpoint {
    return this.#endpoint
  }

  /** Where events go from the next attempt on. */
  setEndpoint(endpoint: WebhookEndpoint): void {
    this.#endpoint = endpoint
  }

  /** Whether there is somewhere to deliver to, or will be: events that are held back are held for an endpoint. */
  hasEndpoint(): boolean {
    return this.#endpoint.url !== undefined || this.#holding
  }

  /** Starts delivering an event, or keeps it back while holding. */
  deliver(eventId: string): void {
    if (this.#holding) this.#held.push(eventId)
    else void this.#track(this.#attemptThenRetry(eventId))
  }

  /** Goes on, after a restart, with the events whose retries are not used up. */
  resume(): void {
    for (const record of this.#options.events.all()) {
      const attemptsLeft = record.attempts.length <= this.#options.retryDelaysMs.length
      if (!record.delivered && attemptsLeft) this.deliver(record.id)
    }
  }

  /** Posts an event now, whatever its state, `times` at once. */
  async resend(eventId: string, times: number): Promise<DeliveryAttempt[]> {
    const attempts = Array.from({ length: times }, () => this.#attempt(eventId))
    return this.#track(Promise.all(attempts))
  }

  hold(): void {
    this.#holding = true
  }

  /** Stops holding and sends what was held one after the other, so that the receiver sees this order. */
  async release({ shuffle, reverse, duplicate }: ReleaseOptions = {}): Promise<void> {
    this.#holding = false
    const held = this.#held
    this.#held = []
    const repeated = duplicate === true ? held.flatMap((id) => [id, id]) : held
    const ordered = reverse === true ? repeated.reverse() : shuffle === true ? shuffled(repeated) : repeated
    await this.#track(
      (async () => {
        for (const id of ordered) await this.#attemptThenRetry(id)
      })(),
    )
  }

  /** Resolves once nothing is being posted and no retry is due. Held events do not count. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0 || this.#retries.size > 0) {
      await Promise.allSettled(this.#underWay)
      if (this.#underWay.size === 0 && this.#retries.size > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Stops everything; what was not delivered is tried again after a restart with the same state. */
  async close(): Promise<void> {
    for (const timer of this.#retries.values()) clearTimeout(timer)
    this.#retries.clear()
    this.#closing.abort()
    await Promise.allSettled(this.#underWay)
    await this.#agent.destroy()
  }

  async #attemptThenRetry(eventId: string): Promise<void> {
    const attempt = await this.#attempt(eventId)
    if (this.#closing.signal.aborted || isAccepted(attempt)) return
    const record = this.#record(eventId)
    const delay = this.#options.retryDelaysMs[record.attempts.length - 1]
    if (record.delivered || delay === undefined || this.#retries.has(eventId)) return
    this.#retries.set(
      eventId,
      setTimeout(() => {
        this.#retries.delete(eventId)
        this.deliver(eventId)
      }, delay),
    )
  }

  async #attempt(eventId: string): Promise<DeliveryAttempt> {
    const { url, secrets } = this.#endpoint
    const at = this.#options.signedAt()
    const { event } = this.#record(eventId)
    if (url === undefined) return { at: at.toISOString(), error: 'no webhook endpoint' }
    const attempt = await postEvent({ ...event, pending_webhooks: 1 }, { url, secrets }, at, {
      agent: this.#agent,
      closing: this.#closing.signal,
    })
    // An attempt cut short by closing says nothing about the endpoint, so it does not use up a retry.
    if (this.#closing.signal.aborted && !isAccepted(attempt)) return attempt
    const record = this.#record(eventId)
    const delivered = record.delivered || isAccepted(attempt)
    this.#options.events.put({ ...record, delivered, attempts: [...record.attempts, attempt] })
    return attempt
  }

  #record(eventId: string): EventRecord {
    return found(this.#options.events.get(eventId), 'event', eventId)
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work)
    const done = () => this.#underWay.delete(work)
    work.then(done, done)
    return work
  }
}

function shuffled(ids: readonly string[]): string[] {
  return ids
    .map((id) => ({ id, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ id }) => id)
}
