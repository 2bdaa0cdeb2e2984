import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { identify, isRunning, type ProcessIdentity } from '../../src/sandbox/processes/identity.ts'
import { waitUntil } from '../../src/sandbox/processes/wait.ts'
import { type Run, runProgram } from './embedded-harness.ts'

const SCRIPTS = resolve(import.meta.dirname, '../../scripts')
const LOCK = {
  lockfileVersion: 3,
  packages: { '': {}, 'node_modules/one': { version: '1.0.0', integrity: 'sha512-1' } },
}

const OTHER_LOCK = { ...LOCK, packages: { '': {}, 'node_modules/one': { version: '2.0.0', integrity: 'sha512-2' } } }

/**
 * What the stand-in for npm does once it has noted that it was called: an installation like npm's own, in which the
 * `node` package is a script.
 */
const INSTALLS = `
  const fs = require('node:fs')
  fs.rmSync('node_modules', { recursive: true, force: true })
  fs.mkdirSync('node_modules/one', { recursive: true })
  fs.writeFileSync('node_modules/one/package.json', '{}')
  fs.mkdirSync('node_modules/.bin')
  fs.writeFileSync('node_modules/.bin/node', '#!/bin/sh\\necho v24.0.0\\n', { mode: 0o755 })
  const lock = JSON.parse(fs.readFileSync('package-lock.json', 'utf8'))
  delete lock.packages['']
  fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify(lock))
`
const HANGS = 'require("node:fs").writeFileSync("hanging", String(process.pid)); setInterval(() => {}, 1000)'

type Project = {
  dir: string
  /** Replaces what npm does. */
  npmDoes(script: string): void
  bootstrap(): Promise<Run>
  /** How often npm was called, and how. */
  calls(): string[]
}

function project(): Project {
  const dir = mkdtempSync(join(tmpdir(), 'lead-unlock-install-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  cpSync(SCRIPTS, join(dir, 'scripts'), { recursive: true })
  const npm = join(dir, 'npm-cli.js')
  const npmDoes = (script: string) => {
    writeFileSync(npm, `require('node:fs').appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n');${script}`)
  }
  npmDoes(INSTALLS)
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify(LOCK))
  return {
    dir,
    npmDoes,
    bootstrap: () => runProgram(join(dir, 'scripts', 'bootstrap.mjs'), [], { ...process.env, npm_execpath: npm }),
    calls: () => (existsSync(join(dir, 'calls')) ? readFileSync(join(dir, 'calls'), 'utf8').trim().split('\n') : []),
  }
}

const OK = { code: 0, signal: null }

test('a fresh clone is installed once, with everything the commands need, whatever the machine is set to', async () => {
  const { bootstrap, calls } = project()
  const first = await bootstrap()
  expect(await first.exit).toEqual(OK)
  expect(first.output()).toContain('node_modules is missing')
  const second = await bootstrap()
  expect(await second.exit).toEqual(OK)
  expect(second.output()).toBe('')
  expect(calls()).toHaveLength(1)
  expect(calls()[0]).toMatch(/^ci .*--include=dev .*--ignore-scripts=false/)
})

test.for<[string, (dir: string) => void]>([
  ['another lock file', (dir) => writeFileSync(join(dir, 'package-lock.json'), JSON.stringify(OTHER_LOCK))],
  ['a missing package', (dir) => rmSync(join(dir, 'node_modules/one'), { recursive: true })],
  ['a missing Node 24', (dir) => rmSync(join(dir, 'node_modules/.bin/node'))],
  ['an interrupted installation', (dir) => rmSync(join(dir, 'node_modules/.package-lock.json'))],
])('%s is noticed and installed anew', async ([_, change]) => {
  const { dir, bootstrap, calls } = project()
  expect(await (await bootstrap()).exit).toEqual(OK)
  change(dir)
  expect(await (await bootstrap()).exit).toEqual(OK)
  expect(calls()).toHaveLength(2)
  const third = await bootstrap()
  expect(await third.exit).toEqual(OK)
  expect(third.output()).toBe('')
})

test('an installation made by hand is accepted when it is what the lock file asks for', async () => {
  const { dir, bootstrap, calls } = project()
  execFileSync(process.execPath, ['-e', INSTALLS], { cwd: dir })
  expect(await (await bootstrap()).exit).toEqual(OK)
  expect(calls()).toEqual([])
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify(OTHER_LOCK))
  expect(await (await bootstrap()).exit).toEqual(OK)
  expect(calls()).toHaveLength(1)
})

test('when npm fails, everything it said is shown, and the next start tries again', async () => {
  const { bootstrap, calls, npmDoes } = project()
  npmDoes('console.log("one line"); console.error("npm error ENOTFOUND"); process.exitCode = 1')
  const failed = await bootstrap()
  expect(await failed.exit).toEqual({ code: 1, signal: null })
  expect(failed.output()).toContain('one line')
  expect(failed.output()).toMatch(/npm error ENOTFOUND\n\n`npm ci` failed after \d+ s \(exit code 1\)/)
  npmDoes(INSTALLS)
  expect(await (await bootstrap()).exit).toEqual(OK)
  expect(calls()).toHaveLength(2)
})

test('an installation that leaves no Node 24 is an error, not a start that fails later', async () => {
  const { dir, bootstrap, npmDoes } = project()
  npmDoes(`${INSTALLS}; fs.rmSync('node_modules/.bin/node')`)
  const failed = await bootstrap()
  expect(await failed.exit).toEqual({ code: 1, signal: null })
  expect(failed.output()).toContain('Node 24 is not')
  expect(existsSync(join(dir, 'node_modules/.lead-unlock-lock'))).toBe(false)
})

test('of two starts at once one installs, and the other waits for it', async () => {
  const { dir, bootstrap, calls, npmDoes } = project()
  npmDoes(`const wait = setInterval(() => {
    if (!require('node:fs').existsSync('go on')) return
    clearInterval(wait)
    ${INSTALLS}
  }, 20)`)
  const one = await bootstrap()
  await one.line('Installing packages')
  const other = await bootstrap()
  await other.line('is installing the packages already; waiting for it')
  writeFileSync(join(dir, 'go on'), '')
  expect([await one.exit, await other.exit]).toEqual([OK, OK])
  expect(calls()).toHaveLength(1)
})

test('Ctrl-C ends the installation and npm with it', async () => {
  const { dir, bootstrap, npmDoes } = project()
  npmDoes(HANGS)
  const run = await bootstrap()
  const npm = await hangingNpm(dir)
  run.child.kill('SIGINT')
  expect(await run.exit).toEqual({ code: 130, signal: null })
  expect(isRunning(npm)).toBe(false)
  expect(readdirSync(join(dir, '.local'))).toEqual([])
})

test('an installation that was killed is begun anew, after ending the npm it left running', async () => {
  const { dir, bootstrap, npmDoes } = project()
  npmDoes(HANGS)
  const killed = await bootstrap()
  const npm = await hangingNpm(dir)
  killed.child.kill('SIGKILL')
  await killed.exit
  npmDoes(INSTALLS)
  expect(await (await bootstrap()).exit).toEqual(OK)
  expect(isRunning(npm)).toBe(false)
  expect(readdirSync(join(dir, '.local'))).toEqual([])
})

async function hangingNpm(dir: string): Promise<ProcessIdentity> {
  const file = join(dir, 'hanging')
  let identity: ProcessIdentity | undefined
  await waitUntil(() => {
    identity = existsSync(file) ? identify(Number(readFileSync(file, 'utf8')) || process.pid) : undefined
    return identity !== undefined && identity.pid !== process.pid
  }, 10_000)
  if (identity === undefined) throw new Error('npm was not started.')
  return identity
}
