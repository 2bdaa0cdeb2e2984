import { DeadlockException, DriverException } from '@mikro-orm/core'
import { RefusedError } from '../gateways/errors.ts'

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
  readonly code = NotYetError.CODE
}

/** Whether an error is final; decided by its class alone. */
export function isFinal(error: unknown): boolean {
  return error instanceof FinalError || error instanceof RefusedError
}

/** Postgres gave up waiting for a lock (`lock_not_available`); the ORM has no class for it on Postgres. */
const LOCK_NOT_AVAILABLE = '55P03'

/** Two transactions in each other's way: the database asks for another try, which costs no attempt. */
export function isLockConflict(error: unknown): boolean {
  if (error instanceof DeadlockException) return true
  return error instanceof DriverException && error.code === LOCK_NOT_AVAILABLE
}

/** The error's code where it has one, else its class: safe for Redis and for people. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.name : 'unknown'
}
