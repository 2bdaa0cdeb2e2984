/** https://www.postgresql.org/docs/current/errcodes-appendix.html: `deadlock_detected` */
const DEADLOCK = '40P01'
/** `lock_not_available` */
const LOCK_TIMEOUT = '55P03'

/** Two transactions waited for each other, and the database ended this one. */
export function isDeadlock(error: unknown): boolean {
  return codeOf(error) === DEADLOCK
}

/** Two transactions in each other's way: the database asks for another try. */
export function isLockConflict(error: unknown): boolean {
  return isDeadlock(error) || codeOf(error) === LOCK_TIMEOUT
}

function codeOf(error: unknown): unknown {
  return Reflect.get(Object(error), 'code')
}
