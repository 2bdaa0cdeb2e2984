import { sandboxClient } from './client.ts'
import { sandboxEnvironment } from './environment.ts'
import { type Gateways, startGateways } from './gateways.ts'
import { loadKept, saveKept } from './kept.ts'
import { startPages } from './pages.ts'
import { knownPhones } from './phones/known-phones.ts'
import { choosePorts, portFor } from './ports.ts'
import { type Supervised, stopInReverse } from './processes/supervise.ts'
import { localUrl, migrate, startApiProcess, startWorkerProcess } from './product-processes.ts'
import { SAMPLE_PROVIDERS } from './sample.ts'
import { openStores } from './stores.ts'
import { takenOver } from './taken-over.ts'

const USUAL_API_PORT = 3000

export type StackOptions = {
  /** A state directory that this process has taken. */
  dir: string
  cacheDir?: string
  ephemeral?: boolean
  env: NodeJS.ProcessEnv
  log: (line: string) => void
  onReceived: (kind: 'fallback' | 'alert', body: string) => void
}

/** The whole product on this machine, its gateways emulated. */
export type Stack = Gateways & {
  apiUrl: string
  /** Where the worker answers about its health. */
  workerUrl: string
  pagesUrl: string
  adminApiKey: string
  /** Everything that runs, in the order it was started. */
  children: Supervised[]
}

/** Starts the stores, the emulated gateways, the sandbox's pages, the API and a worker. What was started is stopped on failure. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dir, env, log } = options
  const kept = loadKept(dir)
  const children: Supervised[] = []
  try {
    const stores = await openStores(options)
    children.push(...stores.children)
    const stripePort = await portFor(kept.ports.stripe)
    const gateways = await startGateways({ dir, secrets: kept.secrets, stripePort })
    children.push(...gateways.children)

    // A sandbox that nobody comes back to takes any port, and leaves the usual one to others.
    const usual = options.ephemeral ? {} : { api: USUAL_API_PORT }
    const ports = await choosePorts({ ...usual, ...kept.ports }, env.PORT)
    saveKept(dir, { ...kept, ports: { ...ports, stripe: stripePort } })
    const apiUrl = `http://localhost:${ports.api}`
    const pagesUrl = `http://localhost:${ports.sandbox}`
    const productEnv = {
      ...sandboxEnvironment(
        {
          databaseUrl: stores.databaseUrl,
          redisUrl: stores.redisUrl,
          apiPort: ports.api,
          textmagicUrl: gateways.textmagic.url,
          stripeUrl: gateways.stripe.url,
          fallbackUrl: `${pagesUrl}/fallback`,
          alertUrl: `${pagesUrl}/alert`,
        },
        kept.secrets,
      ),
      ...takenOver(env),
    }
    const product = { dir, env: productEnv }
    log('bringing the database schema up to date')
    await migrate(product)
    log('starting the API and a worker')
    children.push(await startApiProcess(product))
    await gateways.postTo(localUrl(productEnv))
    // Not before: what is texted on a page that was left open would be told to nobody.
    const pages = await startPages({
      textmagic: gateways.textmagic,
      port: ports.sandbox,
      phones: knownPhones(sandboxClient(apiUrl, kept.secrets.adminApiKey, () => undefined).phones, SAMPLE_PROVIDERS),
      onReceived: options.onReceived,
      links: [
        { title: 'API', url: `${apiUrl}/docs` },
        { title: 'Queues', url: `${apiUrl}/admin/queues` },
      ],
    })
    children.push({ name: 'sandbox pages', stop: () => pages.close() })
    children.push(await startWorkerProcess({ dir, env: { ...productEnv, WORKER_PORT: String(ports.worker) } }))
    const workerUrl = `http://localhost:${ports.worker}`
    return { ...gateways, apiUrl, workerUrl, pagesUrl, adminApiKey: kept.secrets.adminApiKey, children }
  } catch (error) {
    await stopInReverse(children, log)
    throw error
  }
}
