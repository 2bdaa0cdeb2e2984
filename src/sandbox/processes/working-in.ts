import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { hasCode } from './system-error.ts'

/**
 * The running processes whose working directory is `dir` and whose name matches, found without any record of them.
 * A database server works in its data directory, so this finds every one that has it open. Linux only; elsewhere none.
 * @param name tested against the command line
 * @returns their pids
 */
export function processesWorkingIn(dir: string, name: RegExp): number[] {
  if (process.platform !== 'linux') return []
  const real = realpathSync(dir)
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => look(() => readlinkSync(`/proc/${pid}/cwd`)) === real)
    .filter((pid) => name.test(look(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? ''))
}

/** Undefined for a process that has ended meanwhile, or belongs to somebody else, and so cannot be one of ours. */
function look(read: () => string): string | undefined {
  try {
    return read()
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].some((code) => hasCode(error, code))) return undefined
    throw error
  }
}
