/** What was opened, to be closed in reverse. */
export type Closing = {
  add(step: () => unknown): void
  /** Runs every step, also after one that failed. @throws {AggregateError} of those that failed */
  run(): Promise<void>
}

export function closing(): Closing {
  const steps: (() => unknown)[] = []
  return {
    add: (step) => void steps.push(step),
    async run() {
      const failures: unknown[] = []
      for (const step of steps.splice(0).reverse()) {
        try {
          await step()
        } catch (error) {
          failures.push(error)
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('\n'))
    },
  }
}
