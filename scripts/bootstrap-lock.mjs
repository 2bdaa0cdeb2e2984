import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

const delay = promisify(setTimeout)

/**
 * A process told apart from a later one with the same pid, where the system shows when it started.
 * @typedef {{ pid: number, startedAt: string }} Identity
 */

/**
 * Takes the lock file at `path`, waiting while another live process holds it. One left by a process that was killed
 * is taken over, after ending the npm which that process had started and which may still be writing.
 * @param {string} path
 * @param {(line: string) => void} say
 * @returns {Promise<{ noteChild: (pid: number) => void, release: () => void }>}
 */
export async function takeLock(path, say) {
  const holder = identify(process.pid)
  const draft = `${path}.${process.pid}.new`
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(draft, JSON.stringify({ holder }))
  try {
    // A link appears with its content complete: nobody ever reads half a lock.
    for (let told = false; !tryLink(draft, path); ) {
      const current = readLock(path)
      if (!isRunning(current.holder)) await takeOver(path, current)
      else {
        if (!told) say(`Process ${current.holder?.pid} is installing the packages already; waiting for it …`)
        told = true
        await delay(250)
      }
    }
  } finally {
    rmSync(draft, { force: true })
  }
  return {
    noteChild(pid) {
      writeFileSync(draft, JSON.stringify({ holder, child: identify(pid) }))
      renameSync(draft, path)
    },
    release: () => rmSync(path, { force: true }),
  }
}

/**
 * @param {string} path
 * @param {{ child?: Identity }} left
 */
async function takeOver(path, left) {
  while (isRunning(left.child)) {
    signalGroup(left.child.pid, 'SIGKILL')
    await delay(50)
  }
  const aside = `${path}.${process.pid}.stale`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  // Two processes may find the same stale lock: what was moved away goes back if the other has just taken it.
  if (isRunning(readLock(aside).holder)) tryLink(aside, path)
  rmSync(aside, { force: true })
}

/**
 * Sends a signal to every process of the group; that it has ended is no error.
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
export function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

/**
 * @param {string} path
 * @returns {{ holder?: Identity, child?: Identity }}
 */
function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, 'ENOENT')) return {}
    throw error
  }
}

/**
 * @param {string} from
 * @param {string} to
 */
function tryLink(from, to) {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** @param {Identity | undefined} identity */
function isRunning(identity) {
  return identity !== undefined && identify(identity.pid)?.startedAt === identity.startedAt
}

/**
 * @param {number} pid
 * @returns {Identity | undefined}
 */
function identify(pid) {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return undefined
    if (!hasCode(error, 'EPERM')) throw error
  }
  if (process.platform !== 'linux') return { pid, startedAt: '' }
  try {
    // proc_pid_stat(5): the start time is field 22; the name in field 2 may hold spaces and brackets.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : { pid, startedAt: fields[19] ?? '' }
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined
    throw error
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function hasCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code
}
