import { expect, it } from 'vitest'
import { openMigratedDatabase } from '../support/migrated-database.ts'

// A row is read whole: what no migration has added would be read as missing, and no query would fail.
it('the tables have a column for each property of the entities', async () => {
  const { db, close } = await openMigratedDatabase(1)
  try {
    const rows = await db.em
      .fork()
      .execute<{ name: string }[]>(
        `select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'public'`,
      )
    const there = new Set(rows.map(({ name }) => name))
    const stored = [...db.getMetadata().getAll().values()].flatMap(({ tableName, props }) =>
      props
        .filter(({ formula }) => formula === undefined)
        .flatMap(({ fieldNames }) => fieldNames.map((field) => `${tableName}.${field}`)),
    )
    expect(stored.length).toBeGreaterThan(50)
    expect(stored.filter((column) => !there.has(column))).toEqual([])
  } finally {
    await close()
  }
})
