import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { hasCode } from './system-error.ts'

const ROTATE_ABOVE_BYTES = 10 * 1024 * 1024
const TAIL_BYTES = 16 * 1024

/**
 * Opens a log file for appending, made with its folder when missing. One that has grown beyond 10 MB is first put
 * aside as `<path>.1`, so that a sandbox used for months does not fill the disk.
 * @returns the descriptor, which the caller closes
 */
export function openLogFile(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > ROTATE_ABOVE_BYTES) renameSync(path, `${path}.1`)
  return openSync(path, 'a', 0o600)
}

/**
 * The last lines of a log file.
 * @param count at most this many lines
 * @param fromByte nothing before this offset, such as what an earlier run wrote
 */
export function tailOf(path: string, count: number, fromByte = 0): string[] {
  try {
    const file = openSync(path, 'r')
    try {
      const { size } = fstatSync(file)
      const start = Math.max(fromByte, size - TAIL_BYTES)
      const buffer = Buffer.alloc(Math.max(0, size - start))
      readSync(file, buffer, 0, buffer.length, start)
      return buffer.toString('utf8').trimEnd().split('\n').slice(-count)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
