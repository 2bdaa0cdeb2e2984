import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { createSealer } from '../../src/db/sealing/sealing.ts'
import { DEFAULT_PREFIX } from '../../src/queues/connection.ts'
import { freePort } from '../../src/sandbox/embedded/free-port.ts'
import { type EmbeddedPostgres, startPostgres } from '../../src/sandbox/embedded/postgres.ts'
import {
  callbackUrls,
  newSandboxSecrets,
  SANDBOX_TEXTMAGIC_USERNAME,
  sandboxEnvironment,
} from '../../src/sandbox/environment.ts'
import type { RunningProcess } from '../../src/sandbox/processes/run-process.ts'
import { localUrl, migrate, startApiProcess, startWorkerProcess } from '../../src/sandbox/product-processes.ts'
import { startStripeEmulator } from '../../src/sandbox/stripe/emulator.ts'
import { startTextMagicEmulator } from '../../src/sandbox/textmagic/emulator.ts'
import { type AdminApi, adminApi } from '../acceptance/admin-api.ts'
import { logText } from '../acceptance/logs.ts'
import { startSink } from '../acceptance/sink.ts'
import type { Evidence } from '../support/evidence.ts'
import { closing } from './closing.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'
import { temporaryState } from './state.ts'

/**
 * The product as it is installed: an API and workers in processes of their own, a Postgres and a Redis that belong to this
 * test alone and may be broken, and the gateways emulated over HTTP in the test's process, which outlives every fault.
 */
export type Site = Evidence & {
  /** Calls the API as the admin. */
  api: AdminApi
  /** Where TextMagic posts what people text, and Stripe its events. */
  urls: ReturnType<typeof callbackUrls>
  postgres: EmbeddedPostgres
  redis: RedisServer
  /** Starts a worker and waits until it works. @param name names its log @param env on top of the site's */
  startWorker(name: string, env?: Record<string, string>): Promise<RunningProcess>
  /** Ends a process with SIGKILL. */
  kill(process: RunningProcess): Promise<void>
  /** Stops everything. A process that still runs must stop in order. */
  close(): Promise<void>
}

export type SiteOptions = {
  env?: Record<string, string>
  /** Names of the workers to start with. */
  workers?: string[]
  /** Draws the faults that come with a probability. */
  random?: () => number
}

/**
 * The timing of a test: what the product does every half a minute, it does every second. The backfill asks Stripe about each
 * link that is open: how often is for those tests to say that need it.
 */
const PACE = {
  SWEEP_SECONDS: '1',
  BACKFILL_MINUTES: '1',
  REVEAL_CONFIRM_MINUTES: '0.1',
  TEXTMAGIC_RATE_PER_SECOND: '500',
}

export async function openSite(options: SiteOptions = {}): Promise<Site> {
  const opened = closing()
  try {
    const state = await temporaryState()
    opened.add(() => state.close())
    const stores = { dir: state.dir, log: () => undefined, ephemeral: true }
    const [postgres, redis] = await Promise.all([startPostgres(stores), startRedisServer(state.dir)])
    opened.add(() => Promise.all([postgres.stop(), redis.stop()]))
    const db = await openDatabase({ url: postgres.url, poolSize: 5 })
    opened.add(() => db.close(true))
    await keepCommits(db)

    const secrets = newSandboxSecrets()
    const { random } = options
    const textmagic = await startTextMagicEmulator({
      username: SANDBOX_TEXTMAGIC_USERNAME,
      apiKey: secrets.textmagicApiKey,
      ...(random === undefined ? {} : { random }),
    })
    opened.add(() => textmagic.close())
    const stripe = await startStripeEmulator({
      secretKey: secrets.stripeSecretKey,
      webhookSecret: secrets.stripeWebhookSecret,
    })
    opened.add(() => stripe.close())
    const sink = await startSink()
    opened.add(() => sink.close())

    const env = {
      ...sandboxEnvironment(
        {
          databaseUrl: postgres.url,
          redisUrl: redis.url,
          apiPort: await freePort(),
          textmagicUrl: textmagic.url,
          stripeUrl: stripe.url,
          fallbackUrl: `${sink.url}/fallback`,
          alertUrl: `${sink.url}/alert`,
        },
        secrets,
      ),
      ...PACE,
      ...options.env,
    }
    const config = loadConfig(env)
    const product = { dir: state.dir, env }
    const killed = new Set<RunningProcess>()
    const keep = (process: RunningProcess) => {
      opened.add(() => (killed.has(process) ? undefined : stopInOrder(process)))
      return process
    }
    const startWorker: Site['startWorker'] = async (name, more = {}) =>
      keep(await startWorkerProcess({ ...product, env: { ...env, ...more } }, name))

    await migrate(product)
    keep(await startApiProcess(product))
    const urls = callbackUrls(localUrl(env), secrets)
    textmagic.configure({ inboundUrl: urls.inbound, deliveryUrl: urls.delivery })
    stripe.setWebhook({ url: urls.stripe, secret: secrets.stripeWebhookSecret })
    await Promise.all((options.workers ?? ['worker-1', 'worker-2']).map((name) => startWorker(name)))

    return {
      rows: (sql, values = []) => db.em.fork().execute(sql, values),
      textmagic,
      stripe,
      db,
      config,
      sealer: createSealer(config.encryptionKeys),
      redisPrefix: DEFAULT_PREFIX,
      get log() {
        return readdirSync(join(state.dir, 'logs'))
          .filter((file) => /^(api|worker.*)\.log/.test(file))
          .flatMap((file) => logText(state, file.replace(/\.log$/, '')).split('\n'))
      },
      get forwarded() {
        return sink.received.map(({ url, ...rest }) => ({ path: url, ...rest }))
      },
      api: adminApi(localUrl(env), secrets.adminApiKey),
      urls,
      postgres,
      redis,
      startWorker,
      async kill(process) {
        killed.add(process)
        process.kill()
        await process.exited
      },
      close: opened.run,
    }
  } catch (error) {
    await opened.run()
    throw error
  }
}

/**
 * An embedded Postgres for tests answers a COMMIT before it has written it anywhere, which a crash would then lose, and no
 * product could help it. Set where it weighs more than the server's command line.
 */
async function keepCommits(db: Evidence['db']): Promise<void> {
  await db.em.fork().execute('alter role current_user set synchronous_commit = on')
}

async function stopInOrder(process: RunningProcess): Promise<void> {
  const { code, signal } = await process.stop()
  if (code !== 0) throw new Error([`${process.name} ended with ${code ?? signal}`, ...process.lastLines()].join('\n  '))
}
