import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { ByKind } from './tests/support/sequencer.ts'

type Kind = {
  timeoutMs: number
  stores: boolean
  /** Kinds of one group run side by side, those of the next after them. */
  group: number
}

/**
 * Each is a folder of tests/, in the order in which they begin: what fails soonest first, the long files before the many
 * small ones, so that no processor is idle in the end.
 */
const KINDS: Record<string, Kind> = {
  unit: { timeoutMs: 60_000, stores: false, group: 0 },
  acceptance: { timeoutMs: 180_000, stores: true, group: 1 },
  faults: { timeoutMs: 300_000, stores: true, group: 1 },
  simulation: { timeoutMs: 3_600_000, stores: true, group: 1 },
  integration: { timeoutMs: 90_000, stores: true, group: 1 },
}

/** Files side by side in each group. Those of the second wait for time to pass as often as for a processor. */
const GROUPS = [2, 4, 1]

/** Needs a Chromium, which a bare machine has not: `npm run test:browser` asks for them alone. */
const BROWSER: Kind = { timeoutMs: 180_000, stores: true, group: 2 }

const STORES = 'tests/support/stores-once.ts'

export default defineConfig(({ mode }) => ({
  test: {
    pool: 'forks',
    // The seed is printed: `vitest run --sequence.seed=<seed>` repeats an order.
    sequence: { shuffle: true, sequencer: ByKind, hooks: 'stack' },
    retry: 0,
    dangerouslyIgnoreUnhandledErrors: false,
    reporters: ['default'],
    projects: Object.entries(mode === 'browser' ? { browser: BROWSER } : KINDS).map(project),
  },
}))

function project([name, kind]: [string, Kind]): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      include: [`tests/${name}/**/*.test.ts`],
      setupFiles: ['tests/support/leaks.ts'],
      globalSetup: kind.stores ? [STORES] : [],
      testTimeout: kind.timeoutMs,
      hookTimeout: kind.timeoutMs,
      maxWorkers: GROUPS[kind.group],
      // Modules are loaded once for all files of a worker: loading them took a third of the time. Nothing is mocked.
      isolate: false,
      sequence: { groupOrder: kind.group },
    },
  }
}
