import { randomBytes } from 'node:crypto'
import { DEFAULT_LEDGER_TIMING } from '../../../src/db/ledger/claim.ts'
import { poolUsage } from '../../../src/db/postgres/pool.ts'
import { putProvider } from '../../../src/db/providers/providers.ts'
import { createSealer } from '../../../src/db/sealing/sealing.ts'
import { createLogger } from '../../../src/logging.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import type { DeliveryStatus } from '../../../src/sandbox/textmagic/types.ts'
import type { WorkerServices } from '../../../src/workers/deps.ts'
import { createRegistry, type Registry } from '../../../src/workers/registry.ts'
import { checkSend, onAccepted } from './acceptance.ts'
import type { SimulatedClock } from './clock.ts'
import type { SimulatedDatabase } from './database.ts'
import type { KnownLink } from './invariants.ts'
import type { Mail } from './mail-bodies.ts'
import { Network } from './network.ts'
import { type SimulatedPost, simulatedPost } from './post.ts'
import { drawProfile, type Profile } from './profile.ts'
import { SimulatedQueues } from './publisher.ts'
import { Random } from './random.ts'
import { openStripeWorld, type StripeWorld } from './stripe-world.ts'
import { openTextMagic, type TextMagicWorld } from './textmagic-world.ts'

export type SimulatedProvider = { id: string; name: string; phone: string }

/** A number that a provider has, or had until then. */
export type SimulatedNumber = { provider: string; phone: string; leftAt: number | null }

/** A lead and the texts that nobody may see before paying. */
export type SimulatedLead = { id: string; locked: readonly string[] }

/** An SMS that the gateway accepted. */
export type AcceptedSms = { messageId: number; purpose: string; phone: string; text: string; at: number }

/** A task that is suspended: it goes on, or its process dies. */
export type Suspended = { name: string; resume(): Promise<void>; kill(): Promise<void> }

/** What the carrier will say of an accepted message. */
export type CarrierWord = { gatewayId: number; status: DeliveryStatus; rejectReason: string | null }

/** Everything there is in one history. */
export type World = {
  seed: number
  random: Random
  profile: Profile
  clock: SimulatedClock
  database: SimulatedDatabase
  network: Network
  queues: SimulatedQueues
  textmagic: TextMagicWorld
  stripe: StripeWorld
  post: SimulatedPost
  services: WorkerServices
  registry: Registry
  providers: readonly SimulatedProvider[]
  /** Every number that a provider ever had. */
  numbers: SimulatedNumber[]
  leads: SimulatedLead[]
  /** On its way to our webhooks. */
  mail: Mail[]
  /** Stripe's events that were put on their way. */
  postedEvents: Set<string>
  suspended: Suspended[]
  /** When the claim was made under which a message was last given to the gateway. */
  claimedAt: Map<number, number>
  accepted: AcceptedSms[]
  /** As the database last had them. */
  links: readonly KnownLink[]
  carrier: CarrierWord[]
  /** Nothing goes wrong any more. */
  calm: boolean
  /** What was logged. */
  log: string[]
  /** What happened, a line each. */
  steps: string[]
  /** Something ran since the rules were last checked. */
  unchecked: boolean
  /** Rules that were broken. */
  violations: string[]
  close(): Promise<void>
}

const PROVIDERS: readonly SimulatedProvider[] = [
  { id: 'provider1', name: 'Amy', phone: '+15550100001' },
  { id: 'provider2', name: 'Ben', phone: '+15550100002' },
  { id: 'provider3', name: 'Cat', phone: '+15550100003' },
]
const BEFOREHAND = { keyName: 'admin', role: 'admin', requestId: null } as const

const sealer = createSealer([{ id: 'simulated', key: randomBytes(32) }])

/** Opens the world of one history on an empty database. */
export async function openWorld(database: SimulatedDatabase, seed: number): Promise<World> {
  const random = new Random(seed)
  const profile = drawProfile(random)
  const { clock } = database
  const network = new Network(random, clock)
  network.faultRate = profile.faultRate
  const queues = new SimulatedQueues(clock, random)
  queues.faultRate = profile.queueFaultRate
  const post = simulatedPost(network)
  const log: string[] = []
  const textmagic = await openTextMagic({
    clock,
    network,
    refusesSender: profile.refusesSender,
    onSend: (reference) => checkSend(world, reference),
    onAccepted: (message) => onAccepted(world, message),
  })
  const stripe = await openStripeWorld(clock, network, random)
  const services: WorkerServices = {
    db: database.db,
    sealer,
    textmagic: textmagic.client,
    stripe: stripe.client,
    post,
    publisher: queues,
    log: createLogger({ name: 'simulation', level: 'info', destination: { write: (line) => log.push(line) } }),
    metrics: createWorkerMetrics(() => poolUsage(database.db)),
    settings: {
      brand: 'Gold Touch List',
      latePayment: profile.latePayment,
      liveMoney: false,
      revealConfirmMinutes: 10,
      fallbackUrl: 'http://fallback.invalid',
      alertUrl: 'http://alerts.invalid',
      ledgerTiming: DEFAULT_LEDGER_TIMING,
      // So few that what is missing is spread over several pages.
      replyPageSize: 3,
      // How fast this machine is must decide nothing: a history is lived through again by its seed.
      slotLastsMs: Number.POSITIVE_INFINITY,
      retentionDays: 0,
      quiet: { hours: null, zonesOfUnknown: [] },
    },
    stopping: new AbortController().signal,
  }
  const world: World = {
    seed,
    random,
    profile,
    clock,
    database,
    network,
    queues,
    textmagic,
    stripe,
    post,
    services,
    registry: createRegistry(),
    providers: PROVIDERS.map((provider) => ({ ...provider })),
    numbers: PROVIDERS.map(({ id, phone }) => ({ provider: id, phone, leftAt: null })),
    leads: [],
    mail: [],
    postedEvents: new Set(),
    suspended: [],
    claimedAt: new Map(),
    accepted: [],
    links: [],
    carrier: [],
    calm: false,
    log,
    steps: [],
    unchecked: false,
    violations: [],
    async close() {
      await textmagic.close()
      await stripe.close()
    },
  }
  for (const { id, name, phone } of PROVIDERS) {
    await putProvider(database.db.em, id, { name, phone, email: null, timeZone: null }, BEFOREHAND)
  }
  return world
}
