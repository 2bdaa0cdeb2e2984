/** Counts requests in a sliding second of real time. */
export class RequestRate {
  readonly #clock: () => number
  #arrivals: number[] = []
  #most = 0

  /** `clock` returns milliseconds and never goes back. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** Counts one request and returns how many arrived in the second ending now, this one included. */
  count(): number {
    const now = this.#clock()
    this.#arrivals = this.#arrivals.filter((arrival) => now - arrival < 1_000)
    this.#arrivals.push(now)
    this.#most = Math.max(this.#most, this.#arrivals.length)
    return this.#arrivals.length
  }

  /** The most requests counted within any one second. */
  get most(): number {
    return this.#most
  }
}
