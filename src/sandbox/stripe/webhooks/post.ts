import { type Agent, fetch } from 'undici'
import type { DeliveryAttempt, StripeEvent } from '../ledger/records.ts'
import { signatureHeader } from './signature.ts'

export type WebhookEndpoint = { url: string | undefined; secrets: readonly string[] }

/** The sender's own sockets, so that closing it closes them, and the signal that it is closing. */
export type Connection = { agent: Agent; closing: AbortSignal }

const timeoutMilliseconds = 10_000

/**
 * Posts an event once, signed at `at` by the receiver's watch. Never throws: what went wrong is in the attempt.
 * The body is indented, as Stripe's is, so that a receiver which parses and re-serialises before verifying fails here too.
 */
export async function postEvent(
  event: StripeEvent,
  { url, secrets }: { url: string; secrets: readonly string[] },
  at: Date,
  connection: Connection,
): Promise<DeliveryAttempt> {
  const body = JSON.stringify(event, null, 2)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        'stripe-signature': signatureHeader(body, secrets, Math.floor(at.getTime() / 1000)),
      },
      body,
      redirect: 'manual',
      dispatcher: connection.agent,
      signal: AbortSignal.any([connection.closing, AbortSignal.timeout(timeoutMilliseconds)]),
    })
    await response.arrayBuffer()
    return { at: at.toISOString(), status: response.status }
  } catch (error) {
    return { at: at.toISOString(), error: reasonOf(error) }
  }
}

export function isAccepted(attempt: DeliveryAttempt): boolean {
  return attempt.status !== undefined && attempt.status >= 200 && attempt.status < 300
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const { cause } = error
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name
}
