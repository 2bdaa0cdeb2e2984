import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Json } from './admin-api.ts'

/** The lines that a process has logged so far; standard error goes to the same file, and is left out. */
export function logLines({ dir }: { dir: string }, name: string): Json[] {
  return logText({ dir }, name)
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line))
}

/** Everything a process has written so far. */
export function logText({ dir }: { dir: string }, name: string): string {
  const path = join(dir, 'logs', `${name}.log`)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
