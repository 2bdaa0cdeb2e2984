import { Redis } from 'ioredis'
import { startRedis } from '../../src/sandbox/embedded/redis.ts'
import { superviseUntilSignal } from '../../src/sandbox/processes/supervise.ts'

// Runs Redis alone, without a guard, until it is told to stop.
const [dir = '', cacheDir = ''] = process.argv.slice(2)
const log = (line: string) => console.log(line)
const redis = await startRedis({ dir, cacheDir, log })
const client = new Redis(redis.url)
await client.set('left_behind', '1')
await client.quit()
const ended = superviseUntilSignal({ children: [redis], log })
console.log('ready')
process.exitCode = await ended
