import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { isRunning } from '../../src/sandbox/processes/identity.ts'
import { lockPath } from '../../src/sandbox/processes/lock.ts'
import { listRecords } from '../../src/sandbox/processes/records.ts'
import { openStateDirectory } from '../../src/sandbox/processes/state-directory.ts'
import { waitUntil } from '../../src/sandbox/processes/wait.ts'
import { CACHE, keptLog, type Run, runProgram, temporaryStateDirectory } from './embedded-harness.ts'

// Making a database cluster takes a second, and many when the machine is busy.
vi.setConfig({ testTimeout: 120_000 })

const OBEYS =
  'process.on("SIGTERM", () => { console.log("stopping"); process.exit() }); setInterval(() => {}, 1000); console.log("up")'
const IGNORES = 'process.on("SIGTERM", () => console.log("ignored")); setInterval(() => {}, 1000); console.log("up")'

function withoutNpm(): NodeJS.ProcessEnv {
  const { npm_lifecycle_event: _, ...env } = process.env
  return env
}

async function runChildren(dir: string, scripts: string[], env = withoutNpm()): Promise<Run> {
  const run = await runProgram('embedded-program-children.ts', [dir, ...scripts], env)
  await Promise.all(scripts.map((_, index) => run.line(`[${String.fromCharCode(97 + index)}] up`)))
  await run.line('supervising')
  return run
}

test.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s stops the children in reverse order, and the exit code is 0',
  async (signal) => {
    const dir = temporaryStateDirectory()
    const run = await runChildren(dir, [OBEYS, OBEYS])
    run.child.kill(signal)
    expect(await run.exit).toEqual({ code: 0, signal: null })
    const order = run.output().match(/\[.\] stopping/g)
    expect(order).toEqual(['[b] stopping', '[a] stopping'])
    expect(listRecords(dir)).toEqual([])
    expect(existsSync(lockPath(dir))).toBe(false)
  },
)

test('a signal while the run is still starting ends it as usual, and with it what it had started', async () => {
  const dir = temporaryStateDirectory()
  const run = await runProgram('embedded-program-stores.ts', [dir, CACHE], withoutNpm())
  await run.line('initialising Postgres')
  expect(await waitUntil(() => listRecords(dir).length > 0, 20_000)).toBe(true)
  const started = listRecords(dir).map(({ process }) => process)
  run.child.kill('SIGINT')
  expect(await run.exit).toEqual({ code: null, signal: 'SIGINT' })
  expect(await waitUntil(() => listRecords(dir).length === 0, 20_000)).toBe(true)
  expect(started.some(isRunning)).toBe(false)
})

test('the same Ctrl-C arriving twice, from the terminal and through npm, kills nothing', async () => {
  const dir = temporaryStateDirectory()
  const slow = OBEYS.replace('process.exit()', 'setTimeout(() => { console.log("done"); process.exit() }, 300)')
  const run = await runChildren(dir, [slow])
  run.child.kill('SIGINT')
  run.child.kill('SIGINT')
  expect(await run.exit).toEqual({ code: 0, signal: null })
  expect(run.output()).toContain('[a] done')
})

test('a second Ctrl-C kills a child that does not stop', async () => {
  const dir = temporaryStateDirectory()
  const run = await runChildren(dir, [IGNORES])
  run.child.kill('SIGINT')
  await run.line('[a] ignored')
  // Pressed again and again: what comes within a moment of the first is taken for the same key press.
  const insisting = setInterval(() => run.child.kill('SIGINT'), 100)
  await run.line('killing what is still running').finally(() => clearInterval(insisting))
  expect(await run.exit).toEqual({ code: 130, signal: null })
  expect(await waitUntil(() => listRecords(dir).every(({ process }) => !isRunning(process)), 5_000)).toBe(true)
})

test('a child that ends by itself brings the others down, with exit code 1 and its last words', async () => {
  const dir = temporaryStateDirectory()
  const fails = 'console.log("up"); setTimeout(() => { console.error("out of luck"); process.exit(7) }, 200)'
  const run = await runChildren(dir, [OBEYS, fails])
  expect(await run.exit).toEqual({ code: 1, signal: null })
  expect(run.output()).toMatch(/b ended unexpectedly, with exit code 7\n(.*\n)* {2}out of luck/)
  expect(run.output()).toContain('[a] stopping')
})

test.for([
  undefined,
  // Relative to where the run was started.
  '--import ./src/sandbox/processes/wait.ts',
])('when the run itself is killed, its children end all the same, with NODE_OPTIONS=%s', async (NODE_OPTIONS) => {
  const dir = temporaryStateDirectory()
  const run = await runChildren(dir, [OBEYS, OBEYS], { ...withoutNpm(), NODE_OPTIONS })
  const children = listRecords(dir).map(({ process }) => process)
  expect(children).toHaveLength(2)
  run.child.kill('SIGKILL')
  await run.exit
  expect(await waitUntil(() => !children.some(isRunning), 10_000)).toBe(true)
  expect(await waitUntil(() => listRecords(dir).length === 0, 5_000)).toBe(true)
})

test('a second run in the same directory is refused and says how to stop the first', async () => {
  const dir = temporaryStateDirectory()
  const run = await runChildren(dir, [OBEYS])
  const opening = openStateDirectory({ dir, log: () => undefined })
  await expect(opening).rejects.toThrow(`already running in this directory (process ${run.child.pid})`)
  run.child.kill('SIGTERM')
  expect(await run.exit).toEqual({ code: 0, signal: null })
})

test('a run that was killed never blocks the next, at once and with both stores', async () => {
  const dir = temporaryStateDirectory()
  const killed = await runProgram('embedded-program-stores.ts', [dir, CACHE], withoutNpm())
  await killed.line('"ready":true')
  const left = listRecords(dir).map(({ process }) => process)
  expect(left).toHaveLength(2)
  killed.child.kill('SIGKILL')
  await killed.exit
  const next = await runProgram('embedded-program-stores.ts', [dir, CACHE], withoutNpm())
  await next.line('"ready":true')
  expect(left.some(isRunning)).toBe(false)
  next.child.kill('SIGINT')
  expect(await next.exit).toEqual({ code: 0, signal: null })
  expect(listRecords(dir)).toEqual([])
})

test('killing npm alone ends what it started, and the next run does not have to wait for that', async () => {
  const dir = temporaryStateDirectory()
  const npm = await runProgram('embedded-program-npm.ts', [dir, OBEYS])
  await npm.line('supervising')
  npm.child.kill('SIGKILL')
  await once(npm.child, 'exit')
  const { log } = keptLog()
  const state = await openStateDirectory({ dir, log })
  expect(listRecords(dir)).toEqual([])
  state.close()
})
