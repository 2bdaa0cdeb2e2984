import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { identify, type ProcessIdentity } from '../../src/sandbox/processes/identity.ts'
import { listRecords, removeRecord } from '../../src/sandbox/processes/records.ts'
import { sendSignal } from '../../src/sandbox/processes/stopping.ts'

/** Where a Redis that had to be fetched is kept from run to run. */
export const CACHE = resolve(import.meta.dirname, '../../.local')

const PREFIX = join(tmpdir(), 'lead-unlock-test-')

/** A state directory of this test's own; whatever is recorded as running in it is ended with the test. */
export function temporaryStateDirectory(): string {
  const dir = mkdtempSync(PREFIX)
  onTestFinished(() => {
    for (const { process } of listRecords(dir)) sendSignal(process.pid, { signal: 'SIGKILL' })
    rmSync(dir, { recursive: true, force: true })
  })
  return dir
}

/** Loses what is recorded as running in the directory. */
export function forgetRecords(dir: string): void {
  for (const { name, process } of listRecords(dir)) removeRecord(dir, name, process)
}

/** A log that keeps its lines. */
export function keptLog(): { lines: string[]; log: (line: string) => void } {
  const lines: string[] = []
  return { lines, log: (line) => lines.push(line) }
}

export type Run = {
  child: ChildProcess
  identity: ProcessIdentity
  /** Resolves with the next line of its output that holds the text. */
  line(text: string): Promise<string>
  /** All of its output so far. */
  output(): string
  /** Resolves when it has ended and all it wrote has been read. */
  exit: Promise<{ code: number | null; signal: string | null }>
}

/** Runs a program of this folder with Node, as a process that a test can kill. */
export async function runProgram(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Run> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, file), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      for (const look of waiting) look()
    })
  }
  const exit = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode }))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exit
  })
  await once(child, 'spawn')
  const identity = identify(child.pid ?? 0)
  if (identity === undefined) throw new Error(`${file} ended at once.`)
  return {
    child,
    identity,
    output: () => lines.join('\n'),
    exit,
    async line(text) {
      const found = Promise.withResolvers<string>()
      const look = () => {
        const line = lines.find((candidate) => candidate.includes(text))
        if (line !== undefined) found.resolve(line)
      }
      waiting.add(look)
      look()
      const ended = exit.then(({ code }) => {
        throw new Error(`${file} ended with ${code} without saying "${text}":\n${lines.join('\n')}`)
      })
      return await Promise.race([found.promise, ended]).finally(() => waiting.delete(look))
    },
  }
}
