import { mkdirSync, mkdtempSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Pool } from 'pg'
import { DEFAULT_PREFIX } from '../src/queues/connection.ts'
import { freePort } from '../src/sandbox/embedded/free-port.ts'
import { startPostgres } from '../src/sandbox/embedded/postgres.ts'
import { startRedis } from '../src/sandbox/embedded/redis.ts'
import { newSandboxSecrets, type SandboxSecrets, sandboxEnvironment } from '../src/sandbox/environment.ts'
import { waitForReady } from '../src/sandbox/processes/ready.ts'
import { type RunningProcess, runProcess } from '../src/sandbox/processes/run-process.ts'
import { removeStaleDirectories } from '../src/sandbox/processes/stale-directories.ts'
import { openStateDirectory } from '../src/sandbox/processes/state-directory.ts'
import { type Supervised, stopInReverse } from '../src/sandbox/processes/supervise.ts'
import {
  localUrl,
  migrate,
  NODE_COMPILE_CACHE,
  startApiProcess,
  startWorkerProcess,
} from '../src/sandbox/product-processes.ts'
import { LOCAL } from '../src/sandbox/state-location.ts'
import { type Gateways, gatewaysAt } from './gateways.ts'

/** What is measured: the product in processes of its own, on stores of its own, beside gateways that only count. */
export type Site = {
  databaseUrl: string
  redisUrl: string
  apiUrl: string
  redisPrefix: string
  secrets: SandboxSecrets
  database: Pool
  gateways: Gateways
  api: RunningProcess
  startWorker(name: string): Promise<RunningProcess>
  /** Starts a program of this folder and waits until it says so. @param says what it prints when it is ready */
  startProgram(program: string, env: Record<string, string>, says: string): Promise<RunningProcess>
  stop(process: RunningProcess): Promise<void>
  close(): Promise<void>
}

const PREFIX = 'bench-'
const READY_WITHIN_MS = 30_000

/** @param options.durable commits wait for the disk, as in production; otherwise nothing is safe and all is quicker */
export async function openSite({ durable }: { durable: boolean }): Promise<Site> {
  const log = () => undefined
  mkdirSync(LOCAL, { recursive: true })
  await removeStaleDirectories(LOCAL, PREFIX, log)
  const state = await openStateDirectory({ dir: mkdtempSync(join(LOCAL, PREFIX)), temporary: true, log })
  const { dir } = state
  const running: Supervised[] = []
  const close = async () => {
    try {
      await stopInReverse(running.splice(0), log)
    } finally {
      state.close()
    }
  }
  try {
    const stores = { dir, cacheDir: LOCAL, log, ephemeral: !durable }
    const postgres = await startPostgres(stores)
    running.push(postgres)
    const redis = await startRedis(stores)
    running.push(redis)
    const startProgram: Site['startProgram'] = async (program, env, says) => {
      const lines: string[] = []
      const child = await runProcess({
        name: basename(program, '.ts'),
        command: process.execPath,
        args: [join(import.meta.dirname, program)],
        env: { PATH: process.env.PATH, NODE_COMPILE_CACHE, ...env },
        stateDir: dir,
        log: (line) => lines.push(line),
      })
      running.push(child)
      await waitForReady(child, () => lines.some((line) => line.includes(says)), READY_WITHIN_MS)
      return child
    }
    const gatewayPort = await freePort()
    await startProgram('gateways-main.ts', { PORT: String(gatewayPort) }, 'listening')
    const gatewayUrl = `http://127.0.0.1:${gatewayPort}`
    const secrets = newSandboxSecrets()
    const addresses = {
      databaseUrl: postgres.url,
      redisUrl: redis.url,
      apiPort: await freePort(),
      textmagicUrl: gatewayUrl,
      stripeUrl: gatewayUrl,
      fallbackUrl: `${gatewayUrl}/v1/fallback`,
      alertUrl: `${gatewayUrl}/v1/alert`,
    }
    const env = {
      ...sandboxEnvironment(addresses, secrets),
      TEXTMAGIC_RATE_PER_SECOND: '1000',
      // What is measured is the wake-up; the net below it is not to help.
      SWEEP_SECONDS: '30',
    }
    const product = { dir, env }
    await migrate(product)
    const api = await startApiProcess(product)
    running.push(api)
    const database = new Pool({ connectionString: postgres.url, max: 4 })
    running.push({ name: 'database pool', stop: () => database.end() })
    return {
      databaseUrl: postgres.url,
      redisUrl: redis.url,
      apiUrl: localUrl(env),
      redisPrefix: DEFAULT_PREFIX,
      secrets,
      database,
      gateways: gatewaysAt(gatewayUrl),
      api,
      async startWorker(name) {
        const worker = await startWorkerProcess(product, name)
        running.push(worker)
        return worker
      },
      startProgram,
      async stop(child) {
        running.splice(running.indexOf(child), 1)
        const { code, signal } = await child.stop()
        if (code !== 0) throw new Error([`${child.name} ended with ${code ?? signal}`, ...child.lastLines()].join('\n'))
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
