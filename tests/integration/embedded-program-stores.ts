import { startPostgres } from '../../src/sandbox/embedded/postgres.ts'
import { startRedis } from '../../src/sandbox/embedded/redis.ts'
import { openStateDirectory } from '../../src/sandbox/processes/state-directory.ts'
import { superviseUntilSignal } from '../../src/sandbox/processes/supervise.ts'

// Runs both stores until it is told to stop: what `npm start` does, without the rest of it.
const [dir = '', cacheDir = ''] = process.argv.slice(2)
const log = (line: string) => console.log(line)
const state = await openStateDirectory({ dir, log })
const postgres = await startPostgres({ dir, log })
const redis = await startRedis({ dir, cacheDir, log })
const ended = superviseUntilSignal({ children: [postgres, redis], log }).finally(() => state.close())
console.log(JSON.stringify({ ready: true, postgres: postgres.url, redis: redis.url }))
process.exitCode = await ended
