import type { MikroORM } from '@mikro-orm/postgresql'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { createTestDatabase } from './stores.ts'

export type MigratedDatabase = {
  url: string
  db: MikroORM
  /** Lets go of it and removes it. */
  close(): Promise<void>
}

/** Opens a database of the caller's own with every migration applied. @param poolSize connections at most */
export async function openMigratedDatabase(poolSize: number): Promise<MigratedDatabase> {
  const { url, drop } = await createTestDatabase({ migrated: true })
  const db = await openDatabase({ url, poolSize })
  return {
    url,
    db,
    async close() {
      await db.close(true)
      await drop()
    },
  }
}
