import { createHmac } from 'node:crypto'
import Stripe from 'stripe'

/** Seconds a signature may differ from our clock, either way. */
const TOLERANCE_SECONDS = 300

/** The body was not signed with any of our secrets, or too long ago, or its time lies in the future. */
export class BadSignatureError extends Error {
  override readonly name = 'BadSignatureError'
  readonly code = 'bad_signature'
}

/** An event as it came in: an id and a type, and whatever else Stripe says. */
export type SignedEvent = { id: string; type: string; [field: string]: unknown }

/**
 * Checks the `Stripe-Signature` header over the raw body, with each secret in turn (several while one is being rolled).
 * https://docs.stripe.com/webhooks#verify-manually
 *
 * @param request.rawBody the bytes as they were received, before any parsing
 * @returns the event, or `{event: null}` for a body that is truly Stripe's but not an event: keep it and tell a person
 * @throws BadSignatureError
 */
export function verifyStripeSignature(request: {
  rawBody: Buffer
  header: string | undefined
  secrets: readonly string[]
  now?: Date
}): { event: SignedEvent | null } {
  const { rawBody, header, secrets, now = new Date() } = request
  const isSigned =
    header !== undefined && isWhole(header) && secrets.some((secret) => isSignedWith(secret, rawBody, header, now))
  if (!isSigned) {
    throw new BadSignatureError('the Stripe signature does not match')
  }
  return { event: parseEvent(rawBody) }
}

/** Whether each part of the header has a value. On a signature without one the SDK fails instead of refusing it. */
function isWhole(header: string): boolean {
  return header.split(',').every((part) => /^[^=]*=\s*[^\s=]/.test(part))
}

function isSignedWith(secret: string, rawBody: Buffer, header: string, now: Date): boolean {
  const bytes = new RawBytes(rawBody)
  try {
    const { signature } = Stripe.webhooks
    if (signature === null) throw new Error('the Stripe SDK has no signature check')
    signature.verifyHeader(rawBody, header, secret, TOLERANCE_SECONDS, bytes, now.getTime())
  } catch (error) {
    if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false
    throw error
  }
  // The SDK refuses old timestamps only.
  return bytes.timestamp <= now.getTime() / 1000 + TOLERANCE_SECONDS
}

/**
 * Computes the SDK's signature over the body's bytes. The SDK decodes them first and so would change a body that is not
 * valid UTF-8, which its sender signed as it is.
 */
class RawBytes extends Stripe.CryptoProvider {
  /** Seconds; of the header last checked. Not a number fails every comparison. */
  timestamp = Number.NaN
  readonly #body: Buffer

  constructor(body: Buffer) {
    super()
    this.#body = body
  }

  override computeHMACSignature(payload: string, secret: string): string {
    const timestamp = payload.slice(0, payload.indexOf('.'))
    this.timestamp = Number(timestamp)
    return createHmac('sha256', secret).update(`${timestamp}.`).update(this.#body).digest('hex')
  }
}

function parseEvent(rawBody: Buffer): SignedEvent | null {
  let value: unknown
  try {
    value = JSON.parse(rawBody.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
  return isEvent(value) ? value : null
}

function isEvent(value: unknown): value is SignedEvent {
  if (typeof value !== 'object' || value === null) return false
  return 'id' in value && typeof value.id === 'string' && 'type' in value && typeof value.type === 'string'
}
