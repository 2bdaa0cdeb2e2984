import { Agent, fetch } from 'undici'
import { callbackBody } from './callback-body.ts'
import type { PendingWork } from './pending-work.ts'
import type { Settings } from './settings.ts'
import type { CallbackPost, Posted } from './types.ts'

export type Callback = Pick<CallbackPost, 'kind' | 'id'> & { fields: Record<string, string | number | null> }

/** How long a callback may take to be answered. */
const timeoutMs = 10_000

/**
 * Posts callbacks to the account's URLs and remembers what they were answered. Each is posted once: TextMagic documents no
 * retries, and one made here would bring back what a client that answered badly has lost.
 */
export class CallbackSender {
  readonly posts: CallbackPost[] = []
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

  /** Never rejects: how it went is in the answer. */
  post(callback: Callback): Promise<Posted> {
    return this.#pending.track(this.#post(callback))
  }

  /** Ends what is being posted. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#agent.close()
  }

  async #post(callback: Callback): Promise<Posted> {
    const settings = this.#settings()
    const target = callback.kind === 'inbound' ? settings.inboundUrl : settings.deliveryUrl
    if (target === null) return { status: null }
    const { status, error } = await this.#request(target, callback, settings)
    const { kind, id } = callback
    const path = new URL(target).pathname
    this.posts.push({ kind, id, path, status, error, at: this.#now().toISOString() })
    return { status }
  }

  async #request(target: string, callback: Callback, settings: Settings) {
    try {
      const response = await fetch(target, {
        method: 'POST',
        ...callbackBody(callback.fields, settings.encoding),
        dispatcher: this.#agent,
        redirect: 'manual',
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timeoutMs)]),
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
