/** https://www.postgresql.org/docs/current/errcodes-appendix.html: data exceptions and broken constraints */
const OF_A_ROW = /^2[23][0-9A-Z]{3}$/

/** Whether Postgres refused what a row says, so that it may take others. */
export function isRefusedRow(error: unknown): boolean {
  const code: unknown = Reflect.get(Object(error), 'code')
  return typeof code === 'string' && OF_A_ROW.test(code)
}
