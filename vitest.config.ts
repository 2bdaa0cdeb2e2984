import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

type Kind = { timeoutMs: number; stores: boolean }

/** Each is a folder of tests/. They run in this order, so that the cheap ones fail first. */
const KINDS: Record<string, Kind> = {
  unit: { timeoutMs: 60_000, stores: false },
  integration: { timeoutMs: 60_000, stores: true },
  acceptance: { timeoutMs: 180_000, stores: true },
  faults: { timeoutMs: 300_000, stores: true },
  simulation: { timeoutMs: 1_200_000, stores: true },
}

const STORES = 'tests/support/stores-once.ts'

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // The seed is printed: `vitest run --sequence.seed=<seed>` repeats an order.
    sequence: { shuffle: { files: true, tests: true }, hooks: 'stack' },
    retry: 0,
    dangerouslyIgnoreUnhandledErrors: false,
    reporters: ['default'],
    projects: Object.entries(KINDS).map(([name, kind], order) => project(name, kind, order)),
  },
})

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
      sequence: { groupOrder: order },
    },
  }
}
