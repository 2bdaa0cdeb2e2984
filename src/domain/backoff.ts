export type BackoffPolicy = { baseMs: number; maxMs: number }

/** Of a job that calls a gateway: 1 s, 2 s, 4 s … 5 min. */
export const PATIENT: BackoffPolicy = { baseMs: 1_000, maxMs: 300_000 }

/**
 * Attempts of such a job, over some twenty minutes: a gateway or a database that is down for a quarter of an hour must not
 * cost a lead, nor call a person for each reply.
 */
export const PATIENT_ATTEMPTS = 14

/**
 * Exponential backoff with full jitter over the upper half: waits of many jobs that failed together spread out.
 *
 * @param attempt attempts made so far, 1 or more
 * @returns milliseconds to wait before the next one
 */
export function backoffMs(attempt: number, policy: BackoffPolicy, random: () => number = Math.random): number {
  const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.max(0, attempt - 1))
  return Math.round(ceiling / 2 + (ceiling / 2) * random())
}

/** The longest that `backoffMs` may answer, milliseconds. */
export function longestBackoffMs(attempt: number, policy: BackoffPolicy): number {
  return backoffMs(attempt, policy, () => 1)
}
