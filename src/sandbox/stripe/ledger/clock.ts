/** The emulator's idea of now, so that a day's expiry can be tested in a moment. */
export type Clock = {
  now(): Date
  /** Unix time in whole seconds, the unit of every Stripe timestamp. */
  seconds(): number
  /** Moves the clock forward for good by so many milliseconds. */
  advance(milliseconds: number): void
}

/** A clock that follows `source` and can be moved forward from it. */
export function emulatorClock(source: () => Date = () => new Date()): Clock {
  let offset = 0
  const now = () => new Date(source().getTime() + offset)
  return {
    now,
    seconds: () => Math.floor(now().getTime() / 1000),
    advance(milliseconds) {
      offset += milliseconds
    },
  }
}
