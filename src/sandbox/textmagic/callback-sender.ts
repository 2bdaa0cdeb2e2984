import { Agent, fetch } from 'undici'
import { callbackBody } from './callback-body.ts'
import type { PendingWork } from './pending-work.ts'
import type { Settings } from './settings.ts'
import type { CallbackAttempt, Posted } from './types.ts'

export type Callback = Pick<CallbackAttempt, 'kind' | 'id'> & { fields: Record<string, string | number | null> }

/** Posts callbacks to the account's URLs, tries again those not answered 200, and remembers every attempt. */
export class CallbackSender {
  readonly attempts: CallbackAttempt[] = []
  readonly #settings: () => Settings
  readonly #now: () => Date
  readonly #pending: PendingWork
  readonly #agent = new Agent()
  readonly #closing = new AbortController()

  constructor(settings: () => Settings, now: () => Date, pending: PendingWork) {
    this.#settings = settings
    this.#now = now
    this.#pending = pending
  }

  /** Posts once and answers how that went; further attempts follow by themselves. */
  post(callback: Callback): Promise<Posted> {
    return this.#pending.track(this.#attempt(callback, 1))
  }

  /** Ends what is being posted. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#agent.close()
  }

  async #attempt(callback: Callback, attempt: number): Promise<Posted> {
    const settings = this.#settings()
    // Read anew for each attempt: a URL corrected meanwhile gets what the wrong one could not take.
    const target = callback.kind === 'inbound' ? settings.inboundUrl : settings.deliveryUrl
    if (target === null) return { status: null }
    const { status, error } = await this.#request(target, callback, settings)
    const { kind, id } = callback
    const path = new URL(target).pathname
    this.attempts.push({ kind, id, path, attempt, status, error, at: this.#now().toISOString() })
    const delay = settings.callbackRetryDelaysMs[attempt - 1]
    if (status !== 200 && delay !== undefined) this.#pending.later(delay, () => this.#attempt(callback, attempt + 1))
    return { status }
  }

  async #request(target: string, callback: Callback, settings: Settings) {
    try {
      const response = await fetch(target, {
        method: 'POST',
        ...callbackBody(callback.fields, settings.encoding),
        dispatcher: this.#agent,
        redirect: 'manual',
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(settings.callbackTimeoutMs)]),
      })
      await response.arrayBuffer()
      return { status: response.status, error: null }
    } catch (error) {
      return { status: null, error: reasonOf(error) }
    }
  }
}

// The code alone: messages of network errors may repeat the URL, and the token is part of it.
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return 'unknown'
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
}
