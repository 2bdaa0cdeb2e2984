import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

type Kind = {
  timeoutMs: number
  stores: boolean
  /** Files side by side. */
  workers: number
}

/** Each is a folder of tests/. They run in this order, so that the cheap ones fail first. */
const KINDS: Record<string, Kind> = {
  unit: { timeoutMs: 60_000, stores: false, workers: 2 },
  integration: { timeoutMs: 90_000, stores: true, workers: 3 },
  acceptance: { timeoutMs: 180_000, stores: true, workers: 2 },
  faults: { timeoutMs: 300_000, stores: true, workers: 3 },
  simulation: { timeoutMs: 3_600_000, stores: true, workers: 1 },
}

/** Needs a Chromium, which a bare machine has not: `npm run test:browser` asks for them alone. */
const BROWSER: Kind = { timeoutMs: 180_000, stores: true, workers: 1 }

const STORES = 'tests/support/stores-once.ts'

export default defineConfig(({ mode }) => ({
  test: {
    pool: 'forks',
    // The seed is printed: `vitest run --sequence.seed=<seed>` repeats an order.
    sequence: { shuffle: { files: true, tests: true }, hooks: 'stack' },
    retry: 0,
    dangerouslyIgnoreUnhandledErrors: false,
    reporters: ['default'],
    projects:
      mode === 'browser'
        ? [project('browser', BROWSER, 0)]
        : Object.entries(KINDS).map(([name, kind], order) => project(name, kind, order)),
  },
}))

function project(name: string, kind: Kind, order: number): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      include: [`tests/${name}/**/*.test.ts`],
      setupFiles: ['tests/support/leaks.ts'],
      globalSetup: kind.stores ? [STORES] : [],
      testTimeout: kind.timeoutMs,
      hookTimeout: kind.timeoutMs,
      maxWorkers: kind.workers,
      // Modules are loaded once for all files of a worker: loading them took a third of the time. Nothing is mocked.
      isolate: false,
      sequence: { groupOrder: order },
    },
  }
}
