import { mkdirSync, mkdtempSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startPostgres } from '../../../src/sandbox/embedded/postgres.ts'
import { removeStaleDirectories } from '../../../src/sandbox/processes/stale-directories.ts'
import { openStateDirectory } from '../../../src/sandbox/processes/state-directory.ts'

const LOCAL = resolve(import.meta.dirname, '../../../.local')
const PREFIX = 'simulation-'

/** A Postgres for histories: the one named, else one of their own, removed with its data at the end. */
export async function postgresFor(url: string | undefined): Promise<{ url: string; close(): Promise<void> }> {
  if (url !== undefined) return { url, close: async () => undefined }
  const log = (line: string) => console.log(line)
  mkdirSync(LOCAL, { recursive: true })
  await removeStaleDirectories(LOCAL, PREFIX, log)
  const state = await openStateDirectory({ dir: mkdtempSync(join(LOCAL, PREFIX)), temporary: true, log })
  try {
    const server = await startPostgres({ dir: state.dir, log, ephemeral: true })
    return {
      url: server.url,
      async close() {
        await server.stop()
        state.close()
      },
    }
  } catch (error) {
    state.close()
    throw error
  }
}
