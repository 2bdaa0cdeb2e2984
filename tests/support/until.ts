import { setTimeout as delay } from 'node:timers/promises'

const TIMEOUT_MS = 60_000
const POLL_MS = 20

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
  while (!(await holds())) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}${describe ? `: ${await describe()}` : ''}`)
    }
    await delay(POLL_MS)
  }
}
