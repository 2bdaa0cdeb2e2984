import type { ProcessExit, RunningProcess } from '../processes/run-process.ts'
import type { StopStep } from '../processes/stopping.ts'

/** A server process that can be stopped and started again, and remains one thing to those who watch it. */
export type Restartable = {
  /** Resolves when it has ended for good: by `stop`, or without being asked. A restart does not count. */
  readonly exited: Promise<ProcessExit>
  lastLines(): string[]
  stop(): Promise<void>
  kill(): void
  /** Stops it by these steps, runs `between`, and starts it again. */
  restart(steps: readonly StopStep[] | undefined, between?: () => void | Promise<void>): Promise<void>
}

/**
 * @param first the process as started first
 * @param again starts it again, and resolves when it is ready
 */
export function restartable(first: RunningProcess, again: () => Promise<RunningProcess>): Restartable {
  const ended = Promise.withResolvers<ProcessExit>()
  let current = watched(first)
  function watched(process: RunningProcess): RunningProcess {
    void process.exited.then((exit) => {
      if (!exit.asked) ended.resolve(exit)
    })
    return process
  }
  return {
    exited: ended.promise,
    lastLines: () => current.lastLines(),
    async stop() {
      ended.resolve(await current.stop())
    },
    kill() {
      current.kill()
      void current.exited.then(ended.resolve)
    },
    async restart(steps, between) {
      await current.stop(steps)
      await between?.()
      current = watched(await again())
    },
  }
}
