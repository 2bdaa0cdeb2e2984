import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { isSame, ProcessIdentity } from './identity.ts'
import { StopStep } from './stopping.ts'
import { hasCode } from './system-error.ts'

/**
 * What is written down about a child process while it runs, so that a run which was killed (and could not stop its
 * children) is cleaned up after by the guard or by the next run.
 */
export const ProcessRecord = Type.Object({
  name: Type.String(),
  process: ProcessIdentity,
  /** The process that started it and stops it. */
  owner: ProcessIdentity,
  stop: Type.Array(StopStep),
})
export type ProcessRecord = Type.Static<typeof ProcessRecord>

/** Where the records of a state directory are kept. */
export function recordsDirectory(stateDir: string): string {
  return join(stateDir, 'run')
}

function recordPath(stateDir: string, name: string): string {
  return join(recordsDirectory(stateDir), `${name}.process.json`)
}

/** Writes the record, whole or not at all. */
export function writeRecord(stateDir: string, record: ProcessRecord): void {
  mkdirSync(recordsDirectory(stateDir), { recursive: true })
  const path = recordPath(stateDir, record.name)
  writeFileSync(`${path}.new`, JSON.stringify(record))
  renameSync(`${path}.new`, path)
}

/**
 * Forgets the record of `name` if it is about this process: whoever cleans up after a killed run may be overtaken by
 * the next run, which has written a record of its own by then.
 */
export function removeRecord(stateDir: string, name: string, process: ProcessIdentity): void {
  const record = readRecord(stateDir, name)
  if (record !== undefined && isSame(record.process, process)) rmSync(recordPath(stateDir, name), { force: true })
}

/** The record of `name`, or undefined when there is none or it cannot be understood. */
export function readRecord(stateDir: string, name: string): ProcessRecord | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(recordPath(stateDir, name), 'utf8'))
    return Value.Check(ProcessRecord, parsed) ? parsed : undefined
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Every record of the state directory. */
export function listRecords(stateDir: string): ProcessRecord[] {
  return recordFiles(stateDir).flatMap((name) => readRecord(stateDir, name) ?? [])
}

function recordFiles(stateDir: string): string[] {
  try {
    return readdirSync(recordsDirectory(stateDir)).flatMap((file) => /^(.+)\.process\.json$/.exec(file)?.[1] ?? [])
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
