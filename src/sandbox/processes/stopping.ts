import { Type } from 'typebox'
import { isRunning, type ProcessIdentity } from './identity.ts'
import { hasCode } from './system-error.ts'
import { waitUntil } from './wait.ts'

/** One step of stopping a process: the signal, how long it gets to obey, and whether its whole group is meant. */
export const StopStep = Type.Object({
  signal: Type.Union([
    Type.Literal('SIGTERM'),
    Type.Literal('SIGINT'),
    Type.Literal('SIGQUIT'),
    Type.Literal('SIGKILL'),
  ]),
  /** Milliseconds before the next step. */
  waitMs: Type.Integer({ minimum: 0 }),
  /** Every process of its group, for what it may have started itself. */
  group: Type.Optional(Type.Boolean()),
})
export type StopStep = Type.Static<typeof StopStep>

/** SIGTERM, and SIGKILL for the whole group when that is not obeyed within `waitMs`. */
export function terminateThenKill(waitMs: number): StopStep[] {
  return [
    { signal: 'SIGTERM', waitMs },
    { signal: 'SIGKILL', waitMs: 5_000, group: true },
  ]
}

/**
 * Stops the process, and only that one: a pid that meanwhile belongs to another process is left alone.
 * @returns whether it has ended
 */
export async function stopProcess(identity: ProcessIdentity, steps: readonly StopStep[]): Promise<boolean> {
  for (const step of steps) {
    if (!isRunning(identity)) return true
    sendSignal(identity.pid, step)
    // Reading /proc is cheap; elsewhere each look starts a `ps`.
    await waitUntil(() => !isRunning(identity), step.waitMs, process.platform === 'linux' ? 15 : 150)
  }
  return !isRunning(identity)
}

/** Sends the step's signal to `pid`; that it has just ended is no error. */
export function sendSignal(pid: number, step: Pick<StopStep, 'signal' | 'group'>): void {
  try {
    process.kill(step.group === true ? -pid : pid, step.signal)
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}
