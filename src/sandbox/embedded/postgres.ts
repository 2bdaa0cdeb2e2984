import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { claimName } from '../processes/leftovers.ts'
import { waitForReady } from '../processes/ready.ts'
import { type RunningProcess, runProcess } from '../processes/run-process.ts'
import type { Supervised } from '../processes/supervise.ts'
import { onFreePort } from './free-port.ts'
import { type Account, accountFor } from './postgres-account.ts'
import { locateBinaries, type PostgresBinaries } from './postgres-binaries.ts'
import { type Cluster, dataDirectory, openCluster, pathFor, postgresEnvironment, USER } from './postgres-cluster.ts'
import { clearLeftoverServer, FAST_STOP, IMMEDIATE_STOP, readPostmasterFile } from './postgres-leftover.ts'
import { restartable } from './restartable.ts'

export type PostgresOptions = {
  /** State directory, e.g. `.local`: data go to `postgres/` in it, the server's log to `logs/postgres.log`. */
  dir: string
  /** Told what takes time, one line each. */
  log: (line: string) => void
  /** For tests: quicker, not safe against power cuts, and the data are removed on stop. */
  ephemeral?: boolean
}

export type EmbeddedPostgres = Required<Supervised> & {
  /** Connection URL of a database the user owns, its password included. */
  readonly url: string
  readonly port: number
  /** Stops the server, letting it finish (`fast`) or as if it had crashed (`immediate`), and starts it on the same port. */
  restart(mode: 'immediate' | 'fast'): Promise<void>
  stop(): Promise<void>
}

/** Recovery after a crash takes as long as there is log to replay. */
const READY_WITHIN_MS = 120_000

/**
 * Starts a Postgres server on a free port of 127.0.0.1, on the data of the last run if there are any. A server that a
 * killed run left behind is stopped first.
 * @throws InUseError when a live process runs it already
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const { log, ephemeral = false } = options
  const dir = resolve(options.dir)
  const home = join(dir, 'postgres')
  mkdirSync(home, { recursive: true })
  for (const name of ['initdb', 'postgres']) await claimName(dir, name, log)
  const account = accountFor(dataDirectory(home))
  const binaries = locateBinaries(account, log)
  const cluster = await openCluster({ home, stateDir: dir, account, binaries, ephemeral, log })
  await clearLeftoverServer(cluster.dataDir, log)
  const launch = (port: number) => launchServer({ dir, cluster, account, binaries, ephemeral, port })
  const { port, first } = await onFreePort(async (port) => ({ port, first: await launch(port) }))
  const server = restartable(first, () => launch(port))
  return {
    ...server,
    name: 'postgres',
    port,
    url: `postgres://${USER}:${cluster.password}@127.0.0.1:${port}/postgres`,
    restart: (mode) => server.restart(mode === 'fast' ? FAST_STOP : IMMEDIATE_STOP),
    async stop() {
      await server.stop()
      if (ephemeral) rmSync(home, { recursive: true, force: true })
    },
  }
}

type Launch = {
  dir: string
  cluster: Cluster
  account: Account | undefined
  binaries: PostgresBinaries
  ephemeral: boolean
  port: number
}

async function launchServer({ dir, cluster, account, binaries, ephemeral, port }: Launch): Promise<RunningProcess> {
  const { dataDir } = cluster
  const server = await runProcess({
    name: 'postgres',
    command: binaries.postgres,
    args: ['-D', pathFor(account, dataDir), '-p', String(port), ...settings(ephemeral)],
    env: postgresEnvironment(),
    cwd: dataDir,
    ...account,
    logFile: join(dir, 'logs', 'postgres.log'),
    stateDir: dir,
    stop: FAST_STOP,
  })
  try {
    await waitForReady(
      server,
      () => {
        const file = readPostmasterFile(dataDir)
        return file?.pid === server.pid && file.ready
      },
      READY_WITHIN_MS,
    )
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

function settings(ephemeral: boolean): string[] {
  const values = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    // Neither values nor statements: a log line holds no contact details.
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    ...(ephemeral && {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      wal_level: 'minimal',
      max_wal_senders: '0',
    }),
  }
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
