import type { TestProject } from 'vitest/node'
import startStores from './global-setup.ts'

const STARTED = Symbol.for('lead-unlock.test-stores')

/**
 * Starts the stores once for a whole run. Vitest evaluates a global setup anew for every project that names it: each
 * would get its own Postgres and Redis. What is provided by the root project is seen by all of them.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const run = project.vitest
  if (Reflect.get(run, STARTED) === true) return undefined
  Reflect.set(run, STARTED, true)
  return startStores(run.getRootProject())
}
