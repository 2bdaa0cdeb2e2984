/**
 * What an error of the database means for the answer: `away` when trying again later may help (no connection, shutting
 * down, overloaded, a lock or statement timeout, a schema not migrated yet), `value` when it refused a value as such,
 * null when it is none of these. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function databaseTrouble(error: unknown): 'away' | 'value' | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    const code = 'code' in current && typeof current.code === 'string' ? current.code : ''
    if (SYSTEM_CODES.has(code) || AWAY_STATES.test(code) || AWAY_MESSAGES.test(current.message)) return 'away'
    if (/^22[0-9A-Z]{3}$/.test(code)) return 'value'
  }
  return null
}

const SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/**
 * Connection (08), a password that it does not take (28), resources (53), intervention (57P, 57014), its files and itself (58,
 * XX: also what it says while its disk is full), a server that takes no writes (25006), lock timeout, deadlock, serialisation,
 * missing table or column.
 */
const AWAY_STATES =
  /^(?:(?:08|28|53|58|XX)[0-9A-Z]{3}|57P\d\d|57014|25006|55P03|40P01|40001|25P03|42P01|42703|42883|3D000)$/

/** What the driver says without a code. */
const AWAY_MESSAGES =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Cannot use a pool)/i
