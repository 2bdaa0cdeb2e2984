import { ConfigError, loadDatabaseConfig } from '../config.ts'
import { runMain } from '../lifecycle.ts'
import { maskText } from '../logging/mask.ts'
import { trustCertificates } from '../trust.ts'
import { KeyCommandError, readKeyCommand, runKeyCommand, USAGE } from './access/key-command.ts'
import { openDatabase } from './postgres/orm.ts'

const REFUSED = 1
const USAGE_ERROR = 2

async function main(): Promise<void> {
  const asked = readKeyCommand(process.argv.slice(2))
  const { databaseUrl, extraCertificates } = loadDatabaseConfig(process.env)
  trustCertificates(extraCertificates)
  const db = await openDatabase({ url: databaseUrl, poolSize: 1 })
  try {
    const { output, note } = await runKeyCommand(db.em, asked)
    process.stdout.write(`${output}\n`)
    if (note !== null) process.stderr.write(`${note}\n`)
  } finally {
    await db.close(true)
  }
}

/** Says what went wrong in a line, and how it is done right. */
function explain(error: unknown): void {
  if (error instanceof KeyCommandError) {
    process.stderr.write(error.code === 'usage' ? `${error.message}\n\n${USAGE}\n` : `${error.message}\n`)
    process.exitCode = error.code === 'usage' ? USAGE_ERROR : REFUSED
    return
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const why = code === '42P01' ? 'its schema is older than this command: npm run migrate' : maskText(String(error))
  process.stderr.write(`The database could not be asked: ${why}\n`)
  process.exitCode = REFUSED
}

await runMain(() =>
  main().catch((error: unknown) => {
    if (error instanceof ConfigError) throw error
    explain(error)
  }),
)
