import { setTimeout as delay } from 'node:timers/promises'

/**
 * Polls `condition` until it holds.
 * @param timeoutMs how long to keep asking
 * @param everyMs pause between two questions
 * @returns whether it came to hold in time
 */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = 20,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() >= deadline) return false
    await delay(everyMs)
  }
  return true
}
