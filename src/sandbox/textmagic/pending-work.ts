/** Timers and promises that are under way, so that a caller can wait for all of them, or end them. */
export class PendingWork {
  readonly #timers = new Map<NodeJS.Timeout, () => void>()
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  /** Runs `work` after `delayMs`, unless closed by then. */
  later(delayMs: number, work: () => Promise<unknown>): void {
    if (this.#closed) return
    const waited = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        resolve(true)
      }, delayMs)
      this.#timers.set(timer, () => resolve(false))
    })
    const done = waited.then((due) => (due ? work() : undefined))
    // Nobody waits for this work, so a failure of it would otherwise go unseen.
    void this.track(done.catch((error: Error) => process.emitWarning(error)))
  }

  /** Lets `settled` wait for `work` too. */
  track<Result>(work: Promise<Result>): Promise<Result> {
    this.#running.add(work)
    const forget = () => this.#running.delete(work)
    work.then(forget, forget)
    return work
  }

  /** Resolves once nothing is under way, work started meanwhile included. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  /** Cancels what has not started, waits for what has, and starts nothing more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const [timer, cancel] of this.#timers) {
      clearTimeout(timer)
      cancel()
    }
    this.#timers.clear()
    await this.settled()
  }
}
