import http from 'node:http'
import https from 'node:https'
import Stripe from 'stripe'
import { inTime } from '../../in-time.ts'
import { NotDoneError, UnclearError } from '../errors.ts'
import { type CallObserver, endedCall } from '../observer.ts'
import { type Attempts, recording, recordingClient } from './attempts.ts'
import { errorOfStripe, type Operation } from './classify.ts'

/** Allowed for each pause before a retry: the SDK's begin at half a second and double. */
const RETRY_PAUSE_MS = 1_000

export type StripeOptions = {
  secretKey: string
  /** Base address of the API; Stripe's own when absent. */
  apiUrl?: string
  /** Milliseconds of silence that end one attempt; 10 000 when absent. */
  timeoutMs?: number
  /** How often the SDK repeats an attempt that failed in the network or was answered 409 or 5xx; 2 when absent. */
  maxNetworkRetries?: number
  /** Told how each call ended, all attempts of the SDK together. */
  observe?: CallObserver
}

/** The SDK, with every failure told as one of the errors of errors.ts. */
export type StripeCaller = {
  /**
   * Makes one call of the SDK.
   *
   * @throws NotDoneError, RefusedError or UnclearError
   */
  call<T>(operation: Operation, make: (sdk: Stripe) => PromiseLike<T>): Promise<T>
  /** Lets calls in flight end, then closes the connections. Later calls are NotDone. */
  close(): Promise<void>
}

export function createStripeCaller(options: StripeOptions): StripeCaller {
  const { secretKey, apiUrl, timeoutMs = 10_000, maxNetworkRetries = 2, observe = () => undefined } = options
  const address = apiUrl === undefined ? undefined : addressOf(apiUrl)
  const agent = new (address?.protocol === 'http' ? http : https).Agent({ keepAlive: true })
  const sdk = new Stripe(secretKey, {
    ...address,
    timeout: timeoutMs,
    maxNetworkRetries,
    telemetry: false,
    httpClient: recordingClient(Stripe.createNodeHttpClient(agent)),
  })
  // One attempt more than it is told to make: the SDK always repeats a closed connection once.
  const limitMs = (timeoutMs + RETRY_PAUSE_MS) * (maxNetworkRetries + 2)
  const inFlight = new Set<Promise<unknown>>()
  let closed = false
  return {
    async call(operation, make) {
      if (closed) throw new NotDoneError('closed', { operation: operation.name })
      const givingUp = new AbortController()
      const attempts: Attempts = { unclear: false, lastStatus: undefined, givenUp: givingUp.signal }
      const answer = recording(attempts, async () => await make(sdk))
      inFlight.add(answer)
      const since = performance.now()
      try {
        // The SDK's timeout is one of silence: an answer that trickles in would hold the caller for ever.
        const value = await inTime(answer, limitMs, () => {
          givingUp.abort()
          throw new UnclearError('timeout', { operation: operation.name })
        })
        // The SDK takes any JSON without an `error` as success, whatever its status.
        if ((attempts.lastStatus ?? 200) >= 300) throw errorOfStripe(operation, undefined, attempts)
        observe(endedCall(operation.name, since))
        return value
      } catch (error) {
        const failure = errorOfStripe(operation, error, attempts)
        observe(endedCall(operation.name, since, failure))
        throw failure
      } finally {
        inFlight.delete(answer)
      }
    },
    async close() {
      closed = true
      await Promise.allSettled(inFlight)
      agent.destroy()
    },
  }
}

function addressOf(apiUrl: string): { host: string; port: string; protocol: 'http' | 'https' } {
  const url = new URL(apiUrl)
  const protocol = url.protocol === 'http:' ? 'http' : 'https'
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || (protocol === 'http' ? '80' : '443'),
    protocol,
  }
}
