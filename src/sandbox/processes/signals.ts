/** What asks a process in a terminal, or under a supervisor, to end. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Lets signals end this process as usual while nobody else handles them, but not in the middle of what it is doing:
 * one that arrives just after a run has said that it is ready is left to the supervisor it is about to start.
 * @returns goes back to the system's own handling
 */
export function endOnSignal(): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    if (process.listenerCount(signal) > 1) return
    process.off(signal, onSignal)
    process.kill(process.pid, signal)
  }
  for (const signal of END_SIGNALS) process.on(signal, onSignal)
  return () => {
    for (const signal of END_SIGNALS) process.off(signal, onSignal)
  }
}
