/** Far from the machine's own time, so that a decision taken by the wrong clock goes wrong. */
const START = Date.UTC(2031, 0, 6, 15)

/**
 * The time of a history. Postgres reads it as `app_now()`, from a sequence, because a sequence is seen at once by every
 * transaction, and stays where it was set when one is rolled back; `performance.now()` of this process follows it.
 */
export class SimulatedClock {
  #now = START
  #told = 0

  constructor() {
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

  /** Sends Postgres the time, if it has passed since it was told last. */
  async tell<T>(send: (news: string | null) => Promise<T>): Promise<T> {
    const now = this.#now
    const answer = await send(now === this.#told ? null : `select setval('simulated_clock', ${now})`)
    this.#told = now
    return answer
  }

  /** Back to the beginning, for another history. */
  reset(): void {
    this.#now = START
  }
}

/** Makes `app_now()` of this database tell the simulated time. */
export const SIMULATED_APP_NOW = `
  create unlogged sequence simulated_clock;
  create or replace function app_now() returns timestamptz language sql stable as
    $$ select timestamptz 'epoch' + last_value * interval '1 millisecond' from simulated_clock $$;
`
