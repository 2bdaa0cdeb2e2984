import { execFileSync, spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'

/** The system account Postgres runs as. */
export type Account = { uid: number; gid: number }

/** `nobody` is on every system, and nothing else of ours belongs to it. */
const ACCOUNTS = ['postgres', 'nobody']

/**
 * The account for the Postgres of `dataDir`. Postgres refuses to run as root, so root hands it to an unprivileged
 * account: the one that owns the data already, else `postgres`, else `nobody`.
 * @returns undefined when this process's own account will do
 * @throws when the data belongs to somebody else and this process is not root, or when no account is found
 */
export function accountFor(dataDir: string): Account | undefined {
  const uid = process.getuid?.()
  const owner = statSync(dataDir, { throwIfNoEntry: false })
  if (uid !== 0) {
    if (owner === undefined || owner.uid === uid) return undefined
    throw new Error(
      `${dataDir} belongs to another account (uid ${owner.uid}), because the sandbox was once started by root ` +
        'or by somebody else. Start it as that account, or remove the .local folder to begin anew.',
    )
  }
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const found = ACCOUNTS.map(lookUp).find((account) => account !== undefined)
  if (found !== undefined) return found
  throw new Error(`Postgres does not run as root, and there is no account named ${ACCOUNTS.join(' or ')} to run it as.`)
}

function lookUp(name: string): Account | undefined {
  const { status, stdout } = spawnSync('id', ['-u', name], { encoding: 'utf8' })
  if (status !== 0) return undefined
  const uid = Number(stdout)
  const gid = Number(execFileSync('id', ['-g', name], { encoding: 'utf8' }))
  return uid > 0 && Number.isInteger(gid) ? { uid, gid } : undefined
}

/** Whether the account can run `command`, which takes read access to it and to every folder above it. */
export function canRun(account: Account, command: string, args: readonly string[]): boolean {
  return spawnSync(command, [...args], { ...account, cwd: '/', stdio: 'ignore' }).status === 0
}
