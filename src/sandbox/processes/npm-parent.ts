import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { identify, type ProcessIdentity } from './identity.ts'

const SHELL = /^-?(sh|bash|dash|ash|zsh|busybox)$/

/**
 * The npm this process is a script of, if it is one. npm runs a script through a shell, which outlives an npm that is
 * killed, and so does the script: without knowing npm itself, it would never learn that nobody is there any more.
 */
export function parentNpm(): ProcessIdentity | undefined {
  if (process.env.npm_lifecycle_event === undefined) return undefined
  const parent = describe(process.ppid)
  const npm = SHELL.test(parent.name) ? parent.ppid : process.ppid
  // Process 1 adopts orphans, so it is no sign of npm; where it is npm, the container ends with it.
  return npm > 1 ? identify(npm) : undefined
}

function describe(pid: number): { name: string; ppid: number } {
  if (process.platform === 'linux') {
    // proc_pid_stat(5): field 2 is the name in brackets, field 4 the parent.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const end = stat.lastIndexOf(')')
    return { name: stat.slice(stat.indexOf('(') + 1, end), ppid: Number(stat.slice(end + 2).split(' ')[1]) }
  }
  const [ppid = '', path = ''] = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' })
    .trim()
    .split(/\s+/, 2)
  return { name: path.split('/').at(-1) ?? '', ppid: Number(ppid) }
}
