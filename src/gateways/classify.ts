import { type GatewayError, type GatewayErrorInfo, NotDoneError, RefusedError, UnclearError } from './errors.ts'

/** Raised while looking a host up or connecting to it, or by a client that is already closed. */
const NEVER_SENT_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_INVALID_ARG',
])

/** A certificate is judged before the request is written, so none of these has sent anything. */
const CERTIFICATE_CODES =
  /^(ERR_TLS_CERT_|CERT_|UNABLE_TO_(GET_ISSUER|VERIFY)|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|HOSTNAME_MISMATCH)/

/**
 * Whether a transport error proves that no byte of the request left. A connection reset and most timeouts do not: the
 * request may have been read before. Of several attempts to connect, each must be proof.
 */
export function neverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(neverSent)
  const code = transportCode(error)
  if (code === undefined) return false
  // A host may become unreachable after it got the request: then it is the reading or writing that failed.
  if ('syscall' in error) return error.syscall === 'connect' || error.syscall === 'getaddrinfo'
  return NEVER_SENT_CODES.has(code) || CERTIFICATE_CODES.test(code)
}

/** The `code` of a transport error, e.g. `ECONNRESET`. */
function transportCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** What a call that ended in a transport error is: nothing of that error but its code is kept. */
export function errorOfTransport(operation: string, error: unknown): GatewayError {
  // Ours: it was thrown before anything was written.
  if (error instanceof NotDoneError) return error
  const code = transportCode(error)
  const info = code === undefined ? { operation } : { operation, detail: code }
  if (neverSent(error)) return new NotDoneError('unreachable', info)
  const timedOut = (error instanceof Error && error.name === 'TimeoutError') || /TIMEOUT|ETIMEDOUT/.test(code ?? '')
  return new UnclearError(timedOut ? 'timeout' : 'connection_lost', info)
}

/** Whether an answer says that what was asked for was done. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299
}

/**
 * What an answer that is not 2xx means. Refused for good is only what concerns this very request: a wrong key, a wrong
 * base URL (404) or too many calls are put right by somebody, and the same call then succeeds.
 */
export function errorOfStatus(operation: string, status: number, detail?: string): GatewayError {
  const info: GatewayErrorInfo = detail === undefined ? { operation, status } : { operation, status, detail }
  if (status === 401 || status === 403) return new NotDoneError('unauthorized', info)
  if (status === 404) return new NotDoneError('not_found', info)
  if (status === 425 || status === 429) return new NotDoneError('rate_limited', info)
  if (status >= 500) return new UnclearError('server_error', info)
  if (status >= 400 && status !== 408) return new RefusedError('invalid_request', info)
  return new UnclearError('unexpected_status', info)
}

/** The same of a call that only reads: nothing that is answered keeps it from being asked again, and answered, later. */
export function errorOfReadStatus(operation: string, status: number): GatewayError {
  const error = errorOfStatus(operation, status)
  return error instanceof RefusedError ? new UnclearError('unexpected_status', { operation, status }) : error
}
