import type { RunningProcess } from './run-process.ts'
import { waitUntil } from './wait.ts'

/** Thrown when a process ended, or the time was up, before it was ready. Its message holds what it wrote last. */
export class NotReadyError extends Error {
  override name = 'NotReadyError'
}

/**
 * Waits until `probe` says that the process is ready.
 * @param probe asked again and again; a throw counts as "not yet"
 * @throws NotReadyError when it ends first, or is not ready within `timeoutMs` (it is then left running)
 */
export async function waitForReady(
  process: RunningProcess,
  probe: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  let end: string | undefined
  let lastProblem = ''
  void process.exited.then(({ code, signal }) => {
    end = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
  })
  const ready = async () => {
    if (end !== undefined) return true
    try {
      return await probe()
    } catch (error) {
      lastProblem = error instanceof Error ? error.message : String(error)
      return false
    }
  }
  const inTime = await waitUntil(ready, timeoutMs)
  if (inTime && end === undefined) return
  const what = end ?? `was not ready within ${timeoutMs / 1000} s${lastProblem === '' ? '' : ` (${lastProblem})`}`
  throw new NotReadyError([`${process.name} ${what}.`, ...process.lastLines().map((line) => `  ${line}`)].join('\n'))
}
