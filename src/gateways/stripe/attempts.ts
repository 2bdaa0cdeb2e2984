import { AsyncLocalStorage } from 'node:async_hooks'
import type Stripe from 'stripe'
import { neverSent } from '../classify.ts'
import { boundedResponse } from './response.ts'

/** What the HTTP attempts of one call came to. The SDK repeats a failed one by itself and tells of the last only. */
export type Attempts = {
  /** Some attempt may have been carried out though it brought no usable answer. */
  unclear: boolean
  /** Status of the last attempt's answer; undefined when it brought none. */
  lastStatus: number | undefined
  /** Nobody waits for the call any more: an answer being read is cut off, and what the SDK would repeat is not sent. */
  givenUp: AbortSignal
}

type SdkHttpClient = ReturnType<typeof Stripe.createNodeHttpClient>

const current = new AsyncLocalStorage<Attempts>()

/** Runs `call`, filling `attempts` with what the SDK's attempts made in it come to. */
export function recording<T>(attempts: Attempts, call: () => Promise<T>): Promise<T> {
  return current.run(attempts, call)
}

/**
 * An SDK HTTP client that notes each attempt, and bounds its answer. Without the note, a request that was sent, lost and
 * then repeated while Stripe could not be reached would look as if it had never been sent.
 */
export function recordingClient(inner: SdkHttpClient): SdkHttpClient {
  return {
    getClientName: () => inner.getClientName(),
    async makeRequest(...request) {
      const attempts = current.getStore()
      attempts?.givenUp.throwIfAborted()
      try {
        const response = await inner.makeRequest(...request)
        if (attempts !== undefined) noteAnswer(attempts, response.getStatusCode())
        return boundedResponse(response, attempts?.givenUp)
      } catch (error) {
        if (attempts !== undefined) {
          attempts.lastStatus = undefined
          attempts.unclear ||= !neverSent(error)
        }
        throw error
      }
    },
  }
}

function noteAnswer(attempts: Attempts, status: number): void {
  attempts.lastStatus = status
  // 409: an earlier request under the same key is still being worked on.
  attempts.unclear ||= status >= 500 || status === 409
}
