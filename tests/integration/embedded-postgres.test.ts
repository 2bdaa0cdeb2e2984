import { existsSync, mkdirSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { type EmbeddedPostgres, startPostgres } from '../../src/sandbox/embedded/postgres.ts'
import { linkLibraries } from '../../src/sandbox/embedded/postgres-links.ts'
import { isRunning } from '../../src/sandbox/processes/identity.ts'
import { InUseError } from '../../src/sandbox/processes/leftovers.ts'
import { listRecords } from '../../src/sandbox/processes/records.ts'
import { waitUntil } from '../../src/sandbox/processes/wait.ts'
import { query } from '../support/query.ts'
import { forgetRecords, keptLog, runProgram, temporaryStateDirectory } from './embedded-harness.ts'

// Making a database cluster takes a second, and many when the machine is busy.
vi.setConfig({ testTimeout: 120_000 })

async function withPostgres<T>(
  options: { dir: string; log?: (line: string) => void; ephemeral?: boolean },
  use: (postgres: EmbeddedPostgres) => Promise<T>,
): Promise<T> {
  const postgres = await startPostgres({ log: () => undefined, ...options })
  try {
    return await use(postgres)
  } finally {
    await postgres.stop()
  }
}

test('what was committed survives stop, start, a fast restart and a crash', async () => {
  const dir = temporaryStateDirectory()
  await withPostgres({ dir }, async ({ url }) => {
    await query(url, 'CREATE TABLE seen AS SELECT 1 AS id')
  })
  await withPostgres({ dir }, async (postgres) => {
    expect(await query(postgres.url, 'SELECT id FROM seen')).toEqual([{ id: 1 }])
    await query(postgres.url, 'INSERT INTO seen VALUES (2)')
    await postgres.restart('immediate')
    await query(postgres.url, 'INSERT INTO seen VALUES (3)')
    await postgres.restart('fast')
    expect(await query(postgres.url, 'SELECT count(*)::int AS count FROM seen')).toEqual([{ count: 3 }])
    expect(await query(postgres.url, 'SHOW fsync')).toEqual([{ fsync: 'on' }])
  })
})

test('an ephemeral server does not run as root, lets nobody in without the password, and leaves nothing behind', async () => {
  const dir = temporaryStateDirectory()
  await withPostgres({ dir, ephemeral: true }, async ({ url }) => {
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    // Postgres starts only as the owner of its data directory.
    expect(statSync(join(dir, 'postgres', 'data')).uid).not.toBe(0)
    const guessed = new URL(url)
    guessed.password = 'postgres'
    await expect(query(guessed.href, 'SELECT 1')).rejects.toThrow('password authentication failed')
  })
  expect(existsSync(join(dir, 'postgres'))).toBe(false)
  expect(listRecords(dir)).toEqual([])
})

test('a server of a live run is left alone; of a killed run it is stopped, recorded or not, and its data are there', async () => {
  const dir = temporaryStateDirectory()
  for (const recorded of [true, false]) {
    const run = await runProgram('embedded-program-postgres.ts', [dir])
    await run.line('ready')
    await expect(startPostgres({ dir, log: () => undefined })).rejects.toThrow(InUseError)
    run.child.kill('SIGKILL')
    await run.exit
    if (!recorded) forgetRecords(dir)
    const { lines, log } = keptLog()
    await withPostgres({ dir, log }, async ({ url }) => {
      expect(await query(url, 'SELECT id FROM left_behind')).toEqual([{ id: 1 }])
    })
    expect(lines.join('\n')).toMatch(/stopping postgres \(process \d+\), left over from a run that was killed/i)
  }
})

test("a stale postmaster.pid whose number is now another process's does not keep it from starting", async () => {
  const dir = temporaryStateDirectory()
  await withPostgres({ dir }, async () => undefined)
  const dataDir = join(dir, 'postgres', 'data')
  writeFileSync(join(dataDir, 'postmaster.pid'), `${process.pid}\n${dataDir}\n1\n5432\n\n\n\nready   \n`)
  await withPostgres({ dir }, async ({ url }) => {
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

test.each([
  ['empty', ''],
  ['cut short', '-'],
])(
  'a postmaster.pid that is %s, as a server leaves it that is killed while it starts, does not keep the next from it',
  async (_what, content) => {
    const dir = temporaryStateDirectory()
    await withPostgres({ dir }, async () => undefined)
    writeFileSync(join(dir, 'postgres', 'data', 'postmaster.pid'), content)
    await withPostgres({ dir }, async ({ url }) => {
      expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    })
  },
)

test('an initialisation that was interrupted is begun anew, after ending the one still running', async () => {
  const dir = temporaryStateDirectory()
  const run = await runProgram('embedded-program-postgres.ts', [dir])
  const initdb = () => listRecords(dir).find(({ name }) => name === 'initdb')
  expect(await waitUntil(() => initdb() !== undefined, 20_000)).toBe(true)
  const left = initdb()
  run.child.kill('SIGKILL')
  await run.exit
  await withPostgres({ dir }, async ({ url }) => {
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
  expect(left !== undefined && isRunning(left.process)).toBe(false)
  expect(readdirSync(join(dir, 'postgres')).sort()).toEqual(['data', 'password'])
})

test('data of another major version are refused, saying what to do', async () => {
  const dir = temporaryStateDirectory()
  const dataDir = join(dir, 'postgres', 'data')
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(join(dataDir, 'PG_VERSION'), '12\n')
  const starting = startPostgres({ dir, log: () => undefined })
  await expect(starting).rejects.toThrow(/was written by Postgres 12, and this is Postgres \d+\. Remove .*postgres to/)
})

test('a server that ends unasked is reported, a restart is not', async () => {
  const dir = temporaryStateDirectory()
  await withPostgres({ dir, ephemeral: true }, async (postgres) => {
    await postgres.restart('immediate')
    const server = listRecords(dir)[0]
    if (server === undefined) throw new Error('The running server is not recorded.')
    process.kill(server.process.pid, 'SIGQUIT')
    expect(await postgres.exited).toMatchObject({ asked: false })
  })
})

test('libraries whose links npm did not make are linked', () => {
  const dir = temporaryStateDirectory()
  const libraries = join(dir, 'native', 'lib')
  mkdirSync(libraries, { recursive: true })
  writeFileSync(join(libraries, 'libpq.so.5.18'), '')
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]
  writeFileSync(join(dir, 'native', 'pg-symlinks.json'), JSON.stringify(links))
  linkLibraries(dir)
  linkLibraries(dir)
  expect(readlinkSync(join(libraries, 'libpq.so.5'))).toBe('libpq.so.5.18')
})
