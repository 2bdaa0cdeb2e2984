import type { SimulatedClock } from './clock.ts'

type Send = (sql: string, ...rest: unknown[]) => Promise<unknown>

/** What is said to Postgres on one connection: with each statement the time, which takes no round trip of its own. */
export class Conversation {
  readonly #send: Send
  readonly #clock: SimulatedClock
  #wrote = false

  constructor(send: Send, clock: SimulatedClock) {
    this.#send = send
    this.#clock = clock
  }

  /**
   * Says a statement, in one message with the time that has to go ahead of it.
   *
   * @param rest whatever the driver takes besides
   */
  async say(sql: string, ...rest: unknown[]): Promise<unknown> {
    // The end of a transaction is nothing that asks for the time, and one that failed takes nothing else.
    if (isEnd(sql)) return this.#send(sql, ...rest)
    return this.#clock.tell((news) => this.#sayAfter(news ? [news] : [], sql, rest))
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
    if (/^(?:begin;)?\s*select\b/i.test(sql) || sql === 'begin' || sql === 'rollback') return false
    if (sql === 'commit' && !this.#wrote) return false
    this.#wrote = true
    return true
  }
}

function isEnd(sql: string): boolean {
  return sql === 'commit' || sql === 'rollback'
}
