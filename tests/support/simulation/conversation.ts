import type { SimulatedClock } from './clock.ts'

type Send = (sql: string, ...rest: unknown[]) => Promise<unknown>

/** What the driver answers to a `begin`. */
const BEGUN = { command: 'BEGIN', rowCount: null, rows: [], fields: [] }

/**
 * What is said to Postgres on one connection, in fewer round trips than the product takes. A transaction begins with its
 * first statement, as it does for Postgres anyway: until then it has seen nothing and holds nothing.
 */
export class Conversation {
  readonly #send: Send
  readonly #clock: SimulatedClock
  #begins = false
  #wrote = false

  constructor(send: Send, clock: SimulatedClock) {
    this.#send = send
    this.#clock = clock
  }

  /**
   * Says a statement, in one message with what has to go ahead of it: the time, and the beginning of its transaction.
   *
   * @param rest whatever the driver takes besides
   */
  async say(sql: string, ...rest: unknown[]): Promise<unknown> {
    const begins = this.#begins
    this.#begins = sql === 'begin'
    if (this.#begins || (begins && isEnd(sql))) return BEGUN
    // The end of a transaction is nothing that asks for the time, and one that failed takes nothing else.
    if (isEnd(sql)) return this.#send(sql, ...rest)
    return this.#clock.tell((news) =>
      this.#sayAfter([...(news ? [news] : []), ...(begins ? ['begin'] : [])], sql, rest),
    )
  }

  async #sayAfter(ahead: string[], sql: string, rest: unknown[]): Promise<unknown> {
    const [values] = rest
    if (Array.isArray(values) && values.length > 0) {
      if (ahead.length > 0) await this.#send(ahead.join(';'))
      return this.#send(sql, ...rest)
    }
    const answer = await this.#send([...ahead, sql].join(';'))
    return Array.isArray(answer) ? answer.at(-1) : answer
  }

  /** @returns may others see something new once this was said? */
  changes(sql: string): boolean {
    if (/^\s*select\b/i.test(sql) || sql === 'begin' || sql === 'rollback') return false
    if (sql === 'commit') return this.#wrote
    this.#wrote = true
    return true
  }
}

function isEnd(sql: string): boolean {
  return sql === 'commit' || sql === 'rollback'
}
