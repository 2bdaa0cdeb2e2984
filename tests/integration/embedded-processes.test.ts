import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { identify, isRunning, ownIdentity } from '../../src/sandbox/processes/identity.ts'
import { stopLeftovers } from '../../src/sandbox/processes/leftovers.ts'
import { acquireLock, LockedError, lockPath } from '../../src/sandbox/processes/lock.ts'
import { waitForReady } from '../../src/sandbox/processes/ready.ts'
import { listRecords, writeRecord } from '../../src/sandbox/processes/records.ts'
import { type ProcessOptions, type RunningProcess, runProcess } from '../../src/sandbox/processes/run-process.ts'
import { removeStaleDirectories } from '../../src/sandbox/processes/stale-directories.ts'
import { openStateDirectory } from '../../src/sandbox/processes/state-directory.ts'
import { terminateThenKill } from '../../src/sandbox/processes/stopping.ts'
import { waitUntil } from '../../src/sandbox/processes/wait.ts'
import { keptLog, temporaryStateDirectory } from './embedded-harness.ts'

const RUNS_ON = 'setInterval(() => {}, 1000); console.log("up")'
const IGNORES_SIGTERM = `process.on('SIGTERM', () => console.log('no')); ${RUNS_ON}`

/** Runs a script with Node; ended with the test. */
async function runScript(script: string, options: Partial<ProcessOptions> = {}): Promise<RunningProcess> {
  const child = await runProcess({ name: 'script', command: process.execPath, args: ['-e', script], ...options })
  onTestFinished(async () => {
    child.kill()
    await child.exited
  })
  return child
}

test('a process that ends before it is ready is reported with what it wrote last', async () => {
  const child = await runScript('console.error("DATABASE_URL is missing"); process.exit(3)')
  const ready = waitForReady(child, () => false, 10_000)
  await expect(ready).rejects.toThrow('script ended with exit code 3.\n  DATABASE_URL is missing')
})

test('a process that writes to a log file is reported with what it wrote there in this run', async () => {
  const dir = temporaryStateDirectory()
  const logFile = join(dir, 'logs', 'script.log')
  mkdirSync(join(dir, 'logs'))
  writeFileSync(logFile, 'written by an earlier run\n')
  const child = await runScript('console.log("out"); console.error("err"); process.exit(1)', { logFile })
  await child.exited
  expect(child.lastLines()).toEqual(['out', 'err'])
})

test('a command that does not exist is an error that names the process', async () => {
  const starting = runProcess({ name: 'api', command: '/does/not/exist', args: [] })
  await expect(starting).rejects.toThrow(/^api could not be started: .*ENOENT/)
})

test('output is handed over line by line with the name of the process', async () => {
  const { lines, log } = keptLog()
  const child = await runScript('console.log("one\\ntwo"); process.stdout.write("three")', { log })
  await child.exited
  expect(lines).toEqual(['[script] one', '[script] two', '[script] three'])
})

test('a process that does not obey SIGTERM is killed, with those it started', async () => {
  const grandchild = `const { spawn } = require('node:child_process')
    const child = spawn(process.execPath, ['-e', ${JSON.stringify(IGNORES_SIGTERM)}], { stdio: ['ignore', 'pipe', 'ignore'] })
    child.stdout.once('data', () => console.log('pid ' + child.pid))`
  const { lines, log } = keptLog()
  const child = await runScript(`${grandchild}; ${IGNORES_SIGTERM}`, { log, stop: terminateThenKill(100) })
  const pidOf = () => Number(/pid (\d+)/.exec(lines.join('\n'))?.[1])
  await waitForReady(child, () => Number.isInteger(pidOf()), 10_000)
  const started = identify(pidOf())
  expect(await child.stop()).toEqual({ code: null, signal: 'SIGKILL', asked: true })
  expect(lines).toContain('[script] no')
  if (started === undefined) throw new Error('The grandchild was not running.')
  expect(await waitUntil(() => !isRunning(started), 5_000)).toBe(true)
})

test('a process is recorded while it runs, and no longer', async () => {
  const dir = temporaryStateDirectory()
  const child = await runScript(RUNS_ON, { stateDir: dir })
  expect(listRecords(dir)).toMatchObject([{ name: 'script', process: { pid: child.pid }, owner: ownIdentity() }])
  expect(await child.stop()).toMatchObject({ asked: true })
  expect(listRecords(dir)).toEqual([])
})

test('cleaning up after a killed run touches neither a stranger with the same pid nor a live run', async () => {
  const dir = temporaryStateDirectory()
  const child = await runScript(RUNS_ON)
  const identity = identify(child.pid)
  if (identity === undefined) throw new Error('The process is not running.')
  const gone = { pid: 2 ** 22, startedAt: 'long ago' }
  const stop = terminateThenKill(1_000)
  writeRecord(dir, { name: 'reused', process: { ...identity, startedAt: 'long ago' }, owner: gone, stop })
  writeRecord(dir, { name: 'live', process: identity, owner: ownIdentity(), stop })
  await stopLeftovers(dir, () => undefined)
  expect(isRunning(identity)).toBe(true)
  expect(listRecords(dir).map(({ name }) => name)).toEqual(['live'])
})

test('a lock is refused while its holder lives, and taken over from one that is gone', () => {
  const path = lockPath(temporaryStateDirectory())
  const release = acquireLock(path)
  expect(() => acquireLock(path)).toThrow(LockedError)
  release()
  acquireLock(path)()
  writeFileSync(path, JSON.stringify({ process: { ...ownIdentity(), startedAt: 'long ago' } }))
  acquireLock(path)()
  writeFileSync(path, 'not a lock')
  acquireLock(path)()
  expect(readdirSync(join(path, '..'))).toEqual([])
})

test('a state directory that another account wrote to is refused, naming the file', async () => {
  const dir = temporaryStateDirectory()
  mkdirSync(join(dir, 'logs'))
  const file = join(dir, 'logs', 'redis.log')
  writeFileSync(file, '')
  const own = statSync(file).uid
  // As that account would see it: the test itself may run as root, to whom every file is open.
  vi.spyOn(process, 'getuid').mockReturnValue(own + 1)
  onTestFinished(() => {
    vi.restoreAllMocks()
  })
  await expect(openStateDirectory({ dir, log: () => undefined })).rejects.toThrow('belongs to another account')
})

test('the folder of a run that was killed is removed, that of a live one is kept', async () => {
  const parent = temporaryStateDirectory()
  for (const name of ['test-live', 'test-dead', 'other']) mkdirSync(join(parent, name))
  const release = acquireLock(lockPath(join(parent, 'test-live')))
  const dead = lockPath(join(parent, 'test-dead'))
  acquireLock(dead)
  writeFileSync(dead, JSON.stringify({ process: { ...ownIdentity(), startedAt: 'long ago' } }))
  await removeStaleDirectories(parent, 'test-', () => undefined)
  expect(readdirSync(parent).sort()).toEqual(['other', 'test-live'])
  release()
})
