import { freePort } from '../../src/sandbox/embedded/free-port.ts'
import {
  callbackUrls,
  newSandboxSecrets,
  type SandboxSecrets,
  sandboxEnvironment,
} from '../../src/sandbox/environment.ts'
import { type Gateways, startGateways } from '../../src/sandbox/gateways.ts'
import type { RunningProcess } from '../../src/sandbox/processes/run-process.ts'
import { localUrl, migrate, startApiProcess, startWorkerProcess } from '../../src/sandbox/product-processes.ts'
import { createTestDatabase } from '../support/stores.ts'
import { type AdminApi, adminApi } from './admin-api.ts'
import { claimRedisDatabase, type RedisDatabase } from './redis-database.ts'
import { type Received, startSink } from './sink.ts'
import { temporaryState } from './state.ts'

/** The product's own processes beside emulated gateways, as they would be installed: tests reach them over HTTP alone. */
export type Deployment = Pick<Gateways, 'textmagic' | 'stripe'> & {
  /** Where the API is reached, whether it runs or not. */
  url: string
  /** State directory: logs are in `logs/` in it. */
  dir: string
  env: Record<string, string>
  secrets: SandboxSecrets
  /** Calls the API as the admin. */
  api: AdminApi
  /** Where TextMagic posts what people text. */
  inboundUrl: string
  redis: RedisDatabase
  databaseUrl: string
  /** What the booking system and the operators' alert channel got. */
  received: Received[]
  migrate(): Promise<void>
  startApi(): Promise<RunningProcess>
  /** @param name tells several apart; its log has this name */
  startWorker(name?: string): Promise<RunningProcess>
  /** Stops everything. A process that still runs must stop in order. */
  close(): Promise<void>
}

/** Longest that installing it takes on a machine that does other things as well, milliseconds. */
export const DEPLOY_MS = 120_000

export type DeploymentOptions = {
  /** On top of the environment of the sandbox. */
  env?: Record<string, string>
  /** Nothing is migrated or started: the test does that. */
  bare?: boolean
}

/** Installs the product: stores of its own, gateways, and unless `bare` migrations, an API and a worker. */
export async function deploy({ env: overrides = {}, bare = false }: DeploymentOptions = {}): Promise<Deployment> {
  const undo: (() => unknown)[] = []
  const close = async () => {
    const failures: unknown[] = []
    for (const step of undo.splice(0).reverse()) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('\n'))
  }
  try {
    const state = await temporaryState()
    undo.push(() => state.close())
    const database = await createTestDatabase()
    undo.push(() => database.drop())
    const redis = await claimRedisDatabase()
    undo.push(() => redis.close())
    const sink = await startSink()
    undo.push(() => sink.close())
    const secrets = newSandboxSecrets()
    const gateways = await startGateways({ dir: state.dir, secrets })
    undo.push(() => Promise.all(gateways.children.map((child) => child.stop())))

    const addresses = {
      databaseUrl: database.url,
      redisUrl: redis.url,
      apiPort: await freePort(),
      textmagicUrl: gateways.textmagic.url,
      stripeUrl: gateways.stripe.url,
      fallbackUrl: `${sink.url}/fallback`,
      alertUrl: `${sink.url}/alert`,
    }
    const env = {
      ...sandboxEnvironment(addresses, secrets),
      SWEEP_SECONDS: '1',
      TEXTMAGIC_RATE_PER_SECOND: '500',
      ...overrides,
    }
    const product = { dir: state.dir, env }
    const url = localUrl(env)
    await gateways.postTo(url)

    const keep = async (starting: Promise<RunningProcess>) => {
      const process = await starting
      undo.push(() => stopInOrder(process))
      return process
    }
    const deployment: Deployment = {
      textmagic: gateways.textmagic,
      stripe: gateways.stripe,
      url,
      dir: state.dir,
      env,
      secrets,
      api: adminApi(url, secrets.adminApiKey),
      inboundUrl: callbackUrls(url, secrets).inbound,
      redis,
      databaseUrl: database.url,
      received: sink.received,
      migrate: () => migrate(product),
      startApi: () => keep(startApiProcess(product)),
      startWorker: (name) => keep(startWorkerProcess(product, name)),
      close,
    }
    if (!bare) {
      // An API may be there before the schema is; a worker refuses.
      await settled([deployment.startApi(), deployment.migrate().then(() => deployment.startWorker())])
    }
    return deployment
  } catch (error) {
    await close()
    throw error
  }
}

/** Waits for all, also when one fails: what is still starting then has to be stopped as well. */
async function settled(starting: Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(starting)).find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** One that has ended before was the test's business. */
async function stopInOrder(process: RunningProcess): Promise<void> {
  const { code, signal, asked } = await process.stop()
  if (asked && code !== 0) {
    throw new Error([`${process.name} ended with ${code ?? signal}`, ...process.lastLines()].join('\n  '))
  }
}
