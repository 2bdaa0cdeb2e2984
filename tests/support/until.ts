import { setTimeout as delay } from 'node:timers/promises'

const TIMEOUT_MS = 60_000
/** From the first look to the longest pause between two: who waits long does not need to keep the machine busy. */
const POLL_MS = { first: 10, longest: 300, growth: 1.3 }

/**
 * Waits for a condition, and says what it waited for when it does not come.
 *
 * @param describe tells the state at the end of a wait in vain
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  describe?: () => Promise<string>,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  let pauseMs = POLL_MS.first
  while (!(await holds())) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}${describe ? `: ${await describe()}` : ''}`)
    }
    await delay(pauseMs)
    pauseMs = Math.min(pauseMs * POLL_MS.growth, POLL_MS.longest)
  }
}
