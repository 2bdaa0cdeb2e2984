import { NotDoneError, RefusedError } from '../gateways/errors.ts'

/** Not an error: the work is not due yet, or somebody else is at it. The job comes back without losing an attempt. */
export class RetryLater extends Error {
  readonly delayMs: number

  constructor(delayMs: number) {
    super(`again in ${delayMs} ms`)
    this.delayMs = delayMs
  }
}

/** Trying again would change nothing: the job fails at once and waits for a person. */
export class FinalError extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/** What the job needs has not arrived yet, e.g. a refund before its payment: tried again, then given up quietly. */
export class NotYetError extends Error {
  static readonly CODE = 'not_yet'
  /** Attempts after which it is given up, about half a minute: what comes in another order does not take longer. */
  static readonly ATTEMPTS = 6
  readonly code = NotYetError.CODE
}

/** Whether an error is final; decided by its class alone. */
export function isFinal(error: unknown): boolean {
  return error instanceof FinalError || error instanceof RefusedError
}

/** Long work, or the wait for a turn to send, was ended because this process stops: another does the job, at no attempt's cost. */
export function isStopping(error: unknown): boolean {
  return error instanceof NotDoneError && error.code === 'closing'
}

/** The error's code where it has one, else its class: safe for Redis and for people. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.name : 'unknown'
}
