import Stripe from 'stripe'
import { errorOfTransport } from '../classify.ts'
import { GatewayError, type GatewayErrorInfo, NotDoneError, RefusedError, UnclearError } from '../errors.ts'
import type { Attempts } from './attempts.ts'

export type Operation = {
  /** Named in errors. */
  name: string
  /** It carries an idempotency key of ours, so that a 500 would be answered again under that key. */
  keyed?: boolean
}

/**
 * What an SDK error means. A message of Stripe's is not kept, since it may quote a parameter.
 *
 * @param error what the SDK threw; undefined for an answer it took as success in spite of its status
 * @param attempts what every attempt of the call came to: "not done" must hold for all of them, not only for the last
 */
export function errorOfStripe({ name: operation, keyed }: Operation, error: unknown, attempts: Attempts): GatewayError {
  if (error instanceof GatewayError) return error
  if (error instanceof Stripe.errors.StripeConnectionError) {
    return onlyIfAll(attempts, errorOfTransport(operation, transportErrorOf(error)))
  }
  const raw = error instanceof Stripe.errors.StripeError ? error : undefined
  const status = raw?.statusCode ?? attempts.lastStatus
  const detail = detailOf(raw)
  const info: GatewayErrorInfo = { operation, ...(status && { status }), ...(detail && { detail }) }
  // Before the type: a key in use is an idempotency_error as well.
  if (status === 409) return new UnclearError('in_flight', info)
  if (raw?.rawType === 'idempotency_error') return new UnclearError('idempotency_mismatch', info)
  if (status === 425 || status === 429 || raw instanceof Stripe.errors.StripeRateLimitError) {
    return onlyIfAll(attempts, new NotDoneError('rate_limited', info))
  }
  if (status === 401 || status === 403) return onlyIfAll(attempts, new NotDoneError('unauthorized', info))
  // Stripe has a code for what it does not know: this address leads to no Stripe, and will once somebody puts it right.
  if (status === 404 && raw?.code === undefined) return onlyIfAll(attempts, new NotDoneError('not_found', info))
  if (status === 408) return new UnclearError('unexpected_status', info)
  if (status !== undefined && status >= 500) {
    return new UnclearError(keyed === true ? 'replayable_500' : 'server_error', info)
  }
  if (status !== undefined && status >= 400) return new RefusedError(raw?.code ?? 'invalid_request', info)
  return new UnclearError('unreadable_answer', info)
}

/** Whether there is nothing at Stripe of what a call was about; a stand-in at STRIPE_API_URL may not know the call itself. */
export function isNotFound(error: unknown): boolean {
  return error instanceof GatewayError && error.status === 404
}

function onlyIfAll(attempts: Attempts, error: GatewayError): GatewayError {
  if (!(error instanceof NotDoneError) || !attempts.unclear) return error
  const { operation = 'stripe', code } = error
  return new UnclearError('earlier_attempt_unclear', { operation, detail: code })
}

/** The error below the SDK's: itself, or what broke off the reading of the body. */
function transportErrorOf(error: InstanceType<typeof Stripe.errors.StripeConnectionError>): unknown {
  const detail: unknown = error.detail
  return detail instanceof Error && 'exception' in detail && detail.exception instanceof Error
    ? detail.exception
    : detail
}

/** Stripe's error code, the parameter's name and the request's id, with which Stripe's dashboard tells the rest. */
function detailOf(error: InstanceType<typeof Stripe.errors.StripeError> | undefined): string | undefined {
  const facts = [error?.code, error?.param, error?.requestId].filter(
    (fact) => typeof fact === 'string' && /^[\w[\].-]{1,80}$/.test(fact),
  )
  return facts.length === 0 ? undefined : facts.join(' ')
}
