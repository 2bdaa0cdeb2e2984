import type { Client } from 'pg'

/** Far from the machine's own time, so that a decision taken by the wrong clock goes wrong. */
const START = Date.UTC(2031, 0, 6, 15)

/**
 * The time of a history. Postgres reads it as `app_now()`, from a sequence, because a sequence is seen at once by every
 * transaction; `performance.now()` of this process follows it.
 */
export class SimulatedClock {
  readonly #database: Client
  #now = START
  #told = 0

  constructor(database: Client) {
    this.#database = database
    Object.defineProperty(performance, 'now', { value: () => this.#now - START, configurable: true })
  }

  /** Milliseconds since 1970. */
  get now(): number {
    return this.#now
  }

  date(): Date {
    return new Date(this.#now)
  }

  /** Moves time forward, by milliseconds. */
  advance(ms: number): void {
    this.#now += Math.max(0, Math.round(ms))
  }

  /** Tells Postgres the time, if it has passed; to be called before whatever asks it. */
  async tell(): Promise<void> {
    if (this.#told === this.#now) return
    this.#told = this.#now
    await this.#database.query(`select setval('simulated_clock', ${this.#now})`)
  }

  /** Back to the beginning, for another history. */
  reset(): void {
    this.#now = START
  }
}

/** Makes `app_now()` of this database tell the simulated time. */
export const SIMULATED_APP_NOW = `
  create sequence simulated_clock;
  create or replace function app_now() returns timestamptz language sql stable as
    $$ select timestamptz 'epoch' + last_value * interval '1 millisecond' from simulated_clock $$;
`
