/** Facts about a failed call that are safe to log: no text, number, address, key or URL. */
export type GatewayErrorInfo = {
  /** What was being done, e.g. `textmagic send`. */
  operation?: string
  /** HTTP status of the answer, when there was one. */
  status?: number
  /** A code of the transport or of the gateway, e.g. `ECONNREFUSED` or the name of a refused field. */
  detail?: string
}

/**
 * A call to a gateway that did not succeed. Its class says what is known about the effect, its `code` why. No `cause` is
 * kept: a transport's or an SDK's error may hold the URL, the headers or the message that was sent.
 */
export abstract class GatewayError extends Error {
  readonly code: string
  readonly operation: string | undefined
  readonly status: number | undefined
  readonly detail: string | undefined

  constructor(code: string, info: GatewayErrorInfo = {}) {
    const facts = [info.status, info.detail].filter((fact) => fact !== undefined).join(', ')
    super(`${info.operation ?? 'gateway call'}: ${code}${facts === '' ? '' : ` (${facts})`}`)
    this.code = code
    this.operation = info.operation
    this.status = info.status
    this.detail = info.detail
  }
}

/** Certainly not done; the same call may be made again later. */
export class NotDoneError extends GatewayError {
  override readonly name = 'NotDoneError'
}

/** Certainly refused: the same call would be refused again. */
export class RefusedError extends GatewayError {
  override readonly name = 'RefusedError'
}

/** May have been done. Find out, or repeat under the same idempotency key, before doing it again. */
export class UnclearError extends GatewayError {
  override readonly name = 'UnclearError'
}
