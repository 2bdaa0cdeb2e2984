export type BackoffPolicy = { baseMs: number; maxMs: number }

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
