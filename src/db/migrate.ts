import { loadDatabaseConfig } from '../config.ts'
import { runMain } from '../lifecycle.ts'
import { createLogger, exitOnUncaught } from '../logging.ts'
import { trustCertificates } from '../trust.ts'
import { migrateUp } from './postgres/migrate-up.ts'
import { openDatabase } from './postgres/orm.ts'

async function main(): Promise<void> {
  const config = loadDatabaseConfig(process.env)
  const log = createLogger({ name: 'migrate', level: config.logLevel })
  exitOnUncaught(log)
  trustCertificates(config.extraCertificates)
  const db = await openDatabase({ url: config.databaseUrl, poolSize: 2 })
  try {
    const applied = await migrateUp(db)
    for (const migration of applied) log.info({ migration }, 'migrated')
    log.info({ count: applied.length }, 'the schema is up to date')
  } catch (error) {
    log.fatal({ err: error }, 'migration failed')
    process.exitCode = 1
  } finally {
    await db.close()
  }
}

await runMain(main)
