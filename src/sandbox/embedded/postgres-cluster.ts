import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { runProcess } from '../processes/run-process.ts'
import { terminateThenKill } from '../processes/stopping.ts'
import { type Account, canRun } from './postgres-account.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'

/** The superuser of every embedded cluster. */
export const USER = 'lead_unlock'

/** Begins the name of what is there only while a data directory is being made. */
const DRAFT = 'initialising-'

/** A Postgres data directory ("cluster", in its own words) and what it takes to use it. */
export type Cluster = { dataDir: string; password: string }

export type ClusterOptions = {
  /** State directory, where the running initdb is recorded. */
  stateDir: string
  /** Folder that holds the data directory and its password. */
  home: string
  account: Account | undefined
  binaries: PostgresBinaries
  /** Whether losing the data in a power cut is fine. */
  ephemeral: boolean
  log: (line: string) => void
}

/** Path of the data directory inside `home`. */
export function dataDirectory(home: string): string {
  return join(home, 'data')
}

/**
 * The cluster in `home`, initialised first when there is none. An initialisation that was interrupted leaves nothing
 * that would be taken for a cluster.
 * @throws when the data was written by another major version of Postgres
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { home, binaries } = options
  const dataDir = dataDirectory(home)
  const passwordFile = join(home, 'password')
  for (const name of readdirSync(home).filter((entry) => entry.startsWith(DRAFT))) {
    rmSync(join(home, name), { recursive: true, force: true, maxRetries: 5 })
  }
  if (!existsSync(dataDir)) await initialise(options, dataDir, passwordFile)
  const version = readFileSync(join(dataDir, 'PG_VERSION'), 'utf8').trim()
  if (version !== binaries.majorVersion) {
    throw new Error(
      `${dataDir} was written by Postgres ${version}, and this is Postgres ${binaries.majorVersion}. ` +
        `Remove ${home} to begin with an empty database.`,
    )
  }
  return { dataDir, password: readFileSync(passwordFile, 'utf8').trim() }
}

async function initialise(options: ClusterOptions, dataDir: string, passwordFile: string): Promise<void> {
  const { home, stateDir, account, binaries, ephemeral, log } = options
  if (!ephemeral) log('initialising Postgres (first start, about 5 s) …')
  const draft = mkdtempSync(join(home, DRAFT))
  giveTo(account, draft)
  const password = randomBytes(18).toString('base64url')
  // initdb runs as the account and reads the password from a file, which it can only reach by way of its own folder.
  const handedOver = `${draft}.password`
  chmodSync(home, 0o711)
  writeFileSync(handedOver, password, { mode: 0o600 })
  giveTo(account, handedOver)
  try {
    const pgdata = pathFor(account, draft)
    const args = [
      ...['--pgdata', pgdata, '--username', USER, '--pwfile', `${pgdata}/../${basename(handedOver)}`],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8'],
      // Sorts by code point whatever the machine's locale, and still knows upper and lower case beyond ASCII.
      ...['--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
      ...(ephemeral ? ['--no-sync'] : []),
    ]
    const env = postgresEnvironment()
    const stop = terminateThenKill(5_000)
    const initdb = { name: 'initdb', command: binaries.initdb, args, ...account, cwd: draft, env, stateDir, stop }
    const process = await runProcess(initdb)
    if ((await process.exited).code !== 0) {
      throw new Error(['Postgres could not be initialised:', ...process.lastLines()].join('\n  '))
    }
  } finally {
    rmSync(handedOver, { force: true })
  }
  writeFileSync(passwordFile, password, { mode: 0o600 })
  renameSync(draft, dataDir)
}

/**
 * How a process of `account`, started with `dir` as its working directory, can name it. Postgres insists on an
 * absolute path, and an account other than ours may not be let through the folders above (/root is closed to all but
 * root). Linux lets a process reach its working directory through /proc without walking there.
 */
export function pathFor(account: Account | undefined, dir: string): string {
  if (account === undefined || canRun(account, 'ls', [dir])) return dir
  if (process.platform === 'linux') return '/proc/self/cwd'
  throw new Error(
    `Postgres runs as uid ${account.uid}, which may not enter ${dir}. Start as another account than root.`,
  )
}

/** Only what Postgres needs: PGPORT, PGOPTIONS and the like of the caller are meant for another Postgres. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }
}

function giveTo(account: Account | undefined, path: string): void {
  if (account !== undefined) chownSync(path, account.uid, account.gid)
}
