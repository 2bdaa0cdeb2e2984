/** A customer or the dashboard tried what the state of the account does not allow. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: 'not_found' | 'link_inactive' | 'session_not_open' | 'not_settleable' | 'not_disputable'

  constructor(code: Refusal['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** The object, or a refusal naming what was looked for. */
export function found<T>(value: T | undefined, what: string, id: string): T {
  if (value === undefined) throw new Refusal('not_found', `No such ${what}: '${id}'`)
  return value
}
