// Codes of Postgres' errors: https://www.postgresql.org/docs/current/errcodes-appendix.html

const DEADLOCK = '40P01'
const LOCK_NOT_AVAILABLE = '55P03'
const READ_ONLY_TRANSACTION = '25006'
/** Data exceptions and broken constraints. */
const OF_A_ROW = /^2[23][0-9A-Z]{3}$/
/** The session ended: `57P0x` says so, `08xxx` is the connection itself, and the others are the system's. */
const SESSION_ENDED = /^(?:57P0[1-5]|08[0-9A-Z]{3}|E[A-Z]+)$/
const SQLSTATE = /^[0-9A-Z]{5}$/

/** Two transactions waited for each other, and the database ended this one. */
export function isDeadlock(error: unknown): boolean {
  return codeOf(error) === DEADLOCK
}

/** Two transactions in each other's way: the database asks for another try. */
export function isLockConflict(error: unknown): boolean {
  return isDeadlock(error) || codeOf(error) === LOCK_NOT_AVAILABLE
}

/** The server takes no writes. */
export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === READ_ONLY_TRANSACTION
}

/** Whether Postgres refused what a row says, so that it may take others. */
export function isRefusedRow(error: unknown): boolean {
  return OF_A_ROW.test(codeOf(error) ?? '')
}

/** Whether it is not Postgres that refused something: the connection is gone, or it is no error of the database at all. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error)
  return code === undefined || SESSION_ENDED.test(code) || !SQLSTATE.test(code)
}

/** Undefined for what the driver says itself, and for an error of something else. */
function codeOf(error: unknown): string | undefined {
  const code: unknown = Reflect.get(Object(error), 'code')
  return typeof code === 'string' ? code : undefined
}
