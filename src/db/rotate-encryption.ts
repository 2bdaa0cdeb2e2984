import { ConfigError, loadRotateConfig } from '../config.ts'
import { runMain } from '../lifecycle.ts'
import { maskText } from '../logging/mask.ts'
import { trustCertificates } from '../trust.ts'
import { openDatabase } from './postgres/orm.ts'
import { keyUse, reseal } from './sealing/rotation.ts'
import { rotationReport } from './sealing/rotation-report.ts'
import { createSealer } from './sealing/sealing.ts'

const INCOMPLETE = 1

async function main(): Promise<void> {
  const { databaseUrl, extraCertificates, encryptionKeys } = loadRotateConfig(process.env)
  const [newest, ...older] = encryptionKeys.map(({ id }) => id)
  if (newest === undefined) throw new Error('there is no encryption key')
  trustCertificates(extraCertificates)
  const db = await openDatabase({ url: databaseUrl, poolSize: 1 })
  try {
    say(
      older.length === 0
        ? `${newest} is the only key: nothing to seal anew`
        : `sealing anew with ${newest} what ${older.join(', ')} has sealed`,
    )
    const totals = new Map<string, number>()
    const unopened = await reseal(db.em, createSealer(encryptionKeys), newest, ({ table, resealed }) => {
      const total = (totals.get(table) ?? 0) + resealed
      totals.set(table, total)
      say(`${table}: ${total} values sealed anew`)
    })
    const { lines, failures, complete } = rotationReport(await keyUse(db.em), unopened, [newest, ...older])
    for (const line of lines) say(line)
    for (const failure of failures) process.stderr.write(`${failure}\n`)
    if (!complete) process.exitCode = INCOMPLETE
  } finally {
    await db.close(true)
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

await runMain(() =>
  main().catch((error: unknown) => {
    if (error instanceof ConfigError) throw error
    process.stderr.write(`Not done; the same command goes on from here: ${maskText(String(error))}\n`)
    process.exitCode = INCOMPLETE
  }),
)
