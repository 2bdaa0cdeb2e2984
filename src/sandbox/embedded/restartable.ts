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

/** @param start starts the process and resolves when it is ready */
export async function startRestartable(start: () => Promise<RunningProcess>): Promise<Restartable> {
  const ended = Promise.withResolvers<ProcessExit>()
  const startWatched = async () => {
    const process = await start()
    void process.exited.then((exit) => {
      if (!exit.asked) ended.resolve(exit)
    })
    return process
  }
  let current = await startWatched()
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
      current = await startWatched()
    },
  }
}
