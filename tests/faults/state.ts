import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { removeStaleDirectories } from '../../src/sandbox/processes/stale-directories.ts'
import { openStateDirectory, type StateDirectory } from '../../src/sandbox/processes/state-directory.ts'
import { LOCAL } from '../../src/sandbox/state-location.ts'

const PREFIX = 'faults-'

/** A directory for what a test starts, removed with it; its processes are stopped even when the test run is killed. */
export async function temporaryState(): Promise<StateDirectory> {
  mkdirSync(LOCAL, { recursive: true })
  await removeStaleDirectories(LOCAL, PREFIX, () => undefined)
  return openStateDirectory({ dir: mkdtempSync(join(LOCAL, PREFIX)), temporary: true, log: () => undefined })
}
