import { startPostgres } from '../../src/sandbox/embedded/postgres.ts'
import { superviseUntilSignal } from '../../src/sandbox/processes/supervise.ts'
import { query } from '../support/query.ts'

// Runs Postgres alone, without a guard, until it is told to stop.
const [dir = ''] = process.argv.slice(2)
const log = (line: string) => console.log(line)
const postgres = await startPostgres({ dir, log, ephemeral: true })
await query(postgres.url, 'CREATE TABLE IF NOT EXISTS left_behind AS SELECT 1 AS id')
const ended = superviseUntilSignal({ children: [postgres], log })
console.log(JSON.stringify({ ready: true, url: postgres.url }))
process.exitCode = await ended
