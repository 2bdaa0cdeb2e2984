import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type EmbeddedRedis, type RedisOptions, startRedis } from '../../src/sandbox/embedded/redis.ts'
import { findRedis } from '../../src/sandbox/embedded/redis-binary.ts'
import { InUseError } from '../../src/sandbox/processes/leftovers.ts'
import { listRecords } from '../../src/sandbox/processes/records.ts'
import { waitUntil } from '../../src/sandbox/processes/wait.ts'
import { CACHE, forgetRecords, keptLog, runProgram, temporaryStateDirectory } from './embedded-harness.ts'

const silent = () => undefined

async function withRedis<T>(
  options: Partial<RedisOptions> & { dir: string },
  use: (redis: EmbeddedRedis) => Promise<T>,
): Promise<T> {
  const redis = await startRedis({ cacheDir: CACHE, log: silent, ...options })
  try {
    return await use(redis)
  } finally {
    await redis.stop()
  }
}

async function withClient<T>(url: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url)
  // What goes wrong is told by the command that fails.
  client.on('error', silent)
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}

test('what was written survives stop and start, and a restart that keeps the data', async () => {
  const dir = temporaryStateDirectory()
  await withRedis({ dir }, ({ url }) => withClient(url, (client) => client.set('seen', '1')))
  await withRedis({ dir }, async (redis) => {
    expect(await withClient(redis.url, (client) => client.get('seen'))).toBe('1')
    await redis.restart({ keepData: true })
    expect(await withClient(redis.url, (client) => client.get('seen'))).toBe('1')
  })
})

test.for([{ ephemeral: true }, { ephemeral: false }])(
  'a restart without the data loses everything, one with it nothing: %o',
  async ({ ephemeral }) => {
    await withRedis({ dir: temporaryStateDirectory(), ephemeral }, async (redis) => {
      await withClient(redis.url, (client) => client.set('seen', '1'))
      await redis.restart({ keepData: true })
      expect(await withClient(redis.url, (client) => client.get('seen'))).toBe('1')
      await redis.restart({ keepData: false })
      expect(await withClient(redis.url, (client) => client.dbsize())).toBe(0)
      await redis.restart({ keepData: true })
      expect(await withClient(redis.url, (client) => client.dbsize())).toBe(0)
    })
  },
)

test('nothing is ever evicted', async () => {
  await withRedis({ dir: temporaryStateDirectory(), ephemeral: true }, async ({ url }) => {
    const policy = await withClient(url, (client) => client.config('GET', 'maxmemory-policy'))
    expect(policy).toEqual(['maxmemory-policy', 'noeviction'])
  })
})

test('nobody gets in without the password', async () => {
  await withRedis({ dir: temporaryStateDirectory(), ephemeral: true }, async ({ port }) => {
    const asked = withClient(`redis://127.0.0.1:${port}`, (client) => client.get('seen'))
    await expect(asked).rejects.toThrow('NOAUTH')
  })
})

test('an ephemeral server leaves nothing behind', async () => {
  const dir = temporaryStateDirectory()
  await withRedis({ dir, ephemeral: true }, ({ restart }) => restart({ keepData: true }))
  expect(existsSync(join(dir, 'redis'))).toBe(false)
  expect(listRecords(dir)).toEqual([])
})

test('data that Redis cannot read are put aside', async () => {
  const dir = temporaryStateDirectory()
  const appendOnly = join(dir, 'redis', 'appendonlydir')
  mkdirSync(appendOnly, { recursive: true })
  writeFileSync(join(appendOnly, 'appendonly.aof.manifest'), 'file appendonly.aof.1.base.rdb seq 1 type b\n')
  writeFileSync(join(appendOnly, 'appendonly.aof.1.base.rdb'), 'REDIS9999 written by the Redis of another time')
  const { lines, log } = keptLog()
  await withRedis({ dir, log }, ({ url }) => withClient(url, (client) => client.set('seen', '1')))
  expect(lines.join('\n')).toContain('Redis could not read its data')
  expect(existsSync(join(dir, 'redis.unreadable', 'appendonlydir'))).toBe(true)
})

test('a server that a killed run left behind is stopped, recorded or not, and its data are there', async () => {
  for (const recorded of [true, false]) {
    const dir = temporaryStateDirectory()
    const run = await runProgram('embedded-program-redis.ts', [dir, CACHE])
    await run.line('ready')
    await expect(startRedis({ dir, cacheDir: CACHE, log: silent })).rejects.toThrow(InUseError)
    run.child.kill('SIGKILL')
    await run.exit
    if (!recorded) forgetRecords(dir)
    await withRedis({ dir }, async ({ url }) => {
      expect(await withClient(url, (client) => client.get('left_behind'))).toBe('1')
    })
  }
})

test('a server that ends unasked is reported, a restart is not', async () => {
  const dir = temporaryStateDirectory()
  await withRedis({ dir, ephemeral: true }, async (redis) => {
    await redis.restart({ keepData: false })
    const server = listRecords(dir)[0]
    if (server === undefined) throw new Error('The running server is not recorded.')
    process.kill(server.process.pid, 'SIGTERM')
    expect(await redis.exited).toMatchObject({ asked: false })
    expect(await waitUntil(() => listRecords(dir).length === 0, 5_000)).toBe(true)
  })
})

test('a shell whose locale this machine does not have keeps no Redis from starting', async () => {
  const { command, env } = await findRedis({ cacheDir: CACHE, log: silent })
  const dir = temporaryStateDirectory()
  // As Redis 7.2 and newer do: https://github.com/redis/redis/pull/11059.
  const program = `#!/bin/sh
    case "$1,$LC_ALL" in
      --version,* | *,C) LD_LIBRARY_PATH='${env.LD_LIBRARY_PATH ?? ''}' exec '${command}' "$@" ;;
      *) echo 'Failed to configure LOCALE for invalid locale name.' && exit 1 ;;
    esac`
  writeFileSync(join(dir, 'redis-server'), program, { mode: 0o755 })
  vi.stubEnv('PATH', `${dir}:${process.env.PATH}`)
  vi.stubEnv('LC_ALL', 'xx_XX.UTF-8')
  onTestFinished(() => void vi.unstubAllEnvs())
  await withRedis({ dir, ephemeral: true }, async ({ url }) => {
    expect(await withClient(url, (client) => client.ping())).toBe('PONG')
  })
})

test('where no Redis can be had, the error says what was tried and what to do', async () => {
  const dir = temporaryStateDirectory()
  writeFileSync(join(dir, 'redis-server'), '#!/bin/sh\necho "Redis server v=5.0.14 sha=0"\n', { mode: 0o755 })
  vi.stubEnv('PATH', dir)
  vi.stubEnv('REDISMS_DOWNLOAD_MIRROR', 'http://127.0.0.1:1')
  const { error } = await findRedis({ cacheDir: dir, log: silent }).then(
    () => ({ error: undefined }),
    (reason: unknown) => ({ error: reason }),
  )
  vi.unstubAllEnvs()
  expect(String(error)).toContain(`${dir}/redis-server is version 5.0.14; 6.2 or newer is needed`)
  expect(String(error)).toContain("from the distribution's package: none")
  expect(String(error)).toContain('built from source: ')
  expect(String(error)).toContain('set REDIS_URL')
})
