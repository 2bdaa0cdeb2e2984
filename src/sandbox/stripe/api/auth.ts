import { timingSafeEqual } from 'node:crypto'
import { StripeApiError } from '../api-error.ts'

/** Accepts the secret key as a bearer token or as the user of basic authentication; throws Stripe's 401 otherwise. */
export function authorise(header: string | undefined, secretKey: string): void {
  const given = keyOf(header ?? '')
  if (given === undefined || given === '') {
    throw unauthorised('You did not provide an API key. Provide it in the Authorization header, using Bearer auth.')
  }
  if (!equal(given, secretKey)) throw unauthorised(`Invalid API Key provided: ${given.slice(0, 8)}****`)
}

function keyOf(header: string): string | undefined {
  const [scheme, credentials = ''] = header.split(' ')
  if (scheme?.toLowerCase() === 'bearer') return credentials
  if (scheme?.toLowerCase() === 'basic') return Buffer.from(credentials, 'base64').toString('utf8').split(':')[0]
  return undefined
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function unauthorised(message: string): StripeApiError {
  return new StripeApiError(401, { type: 'invalid_request_error', message })
}
