/** `next_attempt_at` of a row that waits for a person: the sweep leaves it alone. */
export const PARKED_UNTIL = new Date('9999-01-01T00:00:00Z')

/** Milliseconds a row with a fresh wake-up is left to its job before the sweep looks at it. */
export const GRACE_MS = 10_000

/** @returns the moment `ms` milliseconds after `date` */
export function after(date: Date, ms: number): Date {
  return new Date(date.getTime() + ms)
}
