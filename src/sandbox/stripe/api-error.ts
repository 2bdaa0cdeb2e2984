/** The part of Stripe's error object a client decides on: https://docs.stripe.com/api/errors. */
export type ErrorDetail = {
  type: 'invalid_request_error' | 'idempotency_error' | 'api_error' | 'card_error'
  message: string
  code?: string
  param?: string
}

/** An answer in Stripe's error shape. */
export class StripeApiError extends Error {
  override readonly name = 'StripeApiError'
  readonly status: number
  readonly detail: ErrorDetail

  constructor(status: number, detail: ErrorDetail) {
    super(detail.message)
    this.status = status
    this.detail = detail
  }
}

/** 400 `invalid_request_error`. */
export function invalidRequest(message: string, code?: string, param?: string): StripeApiError {
  return new StripeApiError(400, {
    type: 'invalid_request_error',
    message,
    ...(code === undefined ? {} : { code }),
    ...(param === undefined ? {} : { param }),
  })
}

/** 404 `resource_missing`, for the object in the path (param `id`) or one that a parameter names. */
export function resourceMissing(what: string, id: string, param = 'id'): StripeApiError {
  return new StripeApiError(404, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${what}: '${id}'`,
    param,
  })
}

export function parameterMissing(param: string): StripeApiError {
  return invalidRequest(`Missing required param: ${param}.`, 'parameter_missing', param)
}

/** What Stripe would answer in an error status without a body of its own, e.g. an injected 500. */
export function defaultErrorBody(status: number): { error: ErrorDetail } {
  if (status === 429) {
    return { error: { type: 'invalid_request_error', code: 'rate_limit', message: 'Too many requests hit the API.' } }
  }
  if (status >= 500) return { error: { type: 'api_error', message: 'An unknown error occurred.' } }
  return { error: { type: 'invalid_request_error', message: `The request was refused with status ${status}.` } }
}
