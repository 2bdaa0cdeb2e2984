import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Type } from 'typebox'
import { ownIdentity, ProcessIdentity } from './identity.ts'
import { openLogFile } from './log-file.ts'

/** What the guard is told. */
export const GuardOrder = Type.Object({
  stateDir: Type.String(),
  /** The process whose death it waits for. */
  owner: ProcessIdentity,
  /** Whether the state directory goes as well, as that of a test run does. */
  removeDir: Type.Boolean(),
})

/**
 * Starts a small process that outlives this one, notices when this one dies without having stopped its children
 * (SIGKILL, out of memory), and stops those recorded in `stateDir`.
 * @returns sends the guard away; to be called when everything has been stopped
 */
export function startGuard(stateDir: string, removeDir: boolean): () => void {
  const main = fileURLToPath(new URL('guard-main.ts', import.meta.url))
  const output = openLogFile(join(stateDir, 'logs', 'guard.log'))
  // Options of a shell may name files from where the run was started, and wait for a debugger.
  const env = { ...process.env, NODE_OPTIONS: '' }
  const guard = spawn(process.execPath, [main], { detached: true, cwd: '/', env, stdio: ['pipe', output, output] })
  closeSync(output)
  const { stdin } = guard
  // It is a safety net: without it the next start cleans up instead.
  const lost = (error: Error) => process.emitWarning(`No guard watches the child processes: ${error.message}`)
  guard.on('error', lost)
  stdin?.on('error', lost)
  stdin?.write(`${JSON.stringify({ stateDir, owner: ownIdentity(), removeDir })}\n`)
  // Neither the guard nor its pipe keeps this process alive.
  guard.unref()
  if (stdin instanceof Socket) stdin.unref()
  return () => stdin?.end('dismissed\n')
}
