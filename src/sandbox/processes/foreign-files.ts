import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from './system-error.ts'

/** What Postgres owns may belong to another account by right, and is checked when it starts. */
const OWN_RULES = new Set(['postgres'])
const DEPTH = 2

/**
 * A file in the state directory that another account made, which this one could not write: the trace of a start by
 * root, or by somebody else. Undefined when there is none, or when this process is root.
 */
export function foreignFile(dir: string): string | undefined {
  const own = process.getuid?.()
  return own === undefined || own === 0 ? undefined : search(dir, own, DEPTH)
}

function search(path: string, own: number, depth: number): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return undefined
  if (stat.uid !== own) return path
  if (depth === 0 || !stat.isDirectory()) return undefined
  for (const name of entries(path)) {
    const found = OWN_RULES.has(name) ? undefined : search(join(path, name), own, depth - 1)
    if (found !== undefined) return found
  }
  return undefined
}

function entries(path: string): string[] {
  try {
    return readdirSync(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
