import { SAMPLE_LEAD } from '../../src/sandbox/sample.ts'
import type { Json } from '../acceptance/admin-api.ts'
import type { Random } from '../support/simulation/random.ts'
import { until } from '../support/until.ts'
import { type Person, register } from './register.ts'
import type { Site } from './site.ts'

/** What a provider will do with an offer. */
export type Plan =
  | 'buy'
  /** Pays once more for what is paid: to be refunded. */
  | 'buy twice'
  /** Texts Y twice in the same moment. */
  | 'insist'
  | 'decline'
  /** Texts STOP instead of paying. */
  | 'stop'

export type Member = { plan: Plan; providerId: string; phone: string; leadId: string; unlockId: number }

/** Providers with one offer each, four to a lead, who answer the texts they get as people do: each in their own time. */
export type Crowd = {
  members: Member[]
  /** Unlocks that are neither done nor closed. */
  inFlight(): Promise<number>
  /** Waits until every unlock is done or closed, as its provider wanted it. */
  done(limitMs: number): Promise<void>
  /** Ends their answers; throws what went wrong with one. */
  stop(): Promise<void>
}

export type CrowdOptions = {
  random: Random
  /** Offers; every provider has one. */
  size?: number
  /** Longest time anybody takes to answer a text, milliseconds. */
  paceMs?: number
  /** A text that reaches us late is another text: those who repeat themselves are left out where the API may be away. */
  withInsistence?: boolean
}

const ENDS: Record<Plan, string> = {
  buy: 'DONE',
  'buy twice': 'DONE',
  insist: 'DONE',
  decline: 'EXPIRED',
  stop: 'OPTED_OUT',
}
/** Area codes with reserved fictional numbers, a hundred in each. */
const AREA_CODES = ['212', '213', '312', '404']
const AT_ONCE = 8
const PROVIDERS_A_LEAD = 4

/**
 * Registers the providers and posts the leads, and has everybody answer from then on: once all are posted, so that all are
 * open then, however long that took.
 */
export async function gather(site: Site, options: CrowdOptions): Promise<Crowd> {
  const { random, size = 108, paceMs = 6_000, withInsistence = true } = options
  const providers = Array.from({ length: size }, (_, number) => ({
    id: `provider_${number}`,
    name: `Dana ${number}`,
    phone: `1${AREA_CODES[Math.floor(number / 100)]}55501${String(number % 100).padStart(2, '0')}`,
    plan: planOf(number, withInsistence),
  }))
  await register(site, providers)
  const members: Member[] = []
  const leads = Array.from({ length: Math.ceil(size / PROVIDERS_A_LEAD) }, (_, number) => number)
  const post = async () => {
    for (let lead = leads.shift(); lead !== undefined; lead = leads.shift()) {
      const first = lead * PROVIDERS_A_LEAD
      members.push(...(await offer(site, lead, providers.slice(first, first + PROVIDERS_A_LEAD))))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, post))
  const answers = answering(site, members, () => random.int(0, paceMs))
  const notThere = async () => {
    const rows = await site.rows<{ id: number; status: string }>('select id, status from lead_unlocks')
    const statuses = new Map(rows.map(({ id, status }) => [id, status]))
    return members
      .filter(({ unlockId, plan }) => statuses.get(unlockId) !== ENDS[plan])
      .map(({ unlockId, plan }) => `${unlockId} (${plan}): ${statuses.get(unlockId)}`)
  }
  return {
    members,
    async inFlight() {
      const [row] = await site.rows<{ count: string }>(
        `select count(*) from lead_unlocks where status not in ('DONE', 'EXPIRED', 'OPTED_OUT')`,
      )
      return Number(row?.count)
    },
    async done(limitMs) {
      const holds = async () => answers.problems.length > 0 || (await notThere()).length === 0
      await until('every unlock to end', holds, async () => (await notThere()).join(', '), limitMs)
    },
    stop: answers.stop,
  }
}

function planOf(number: number, withInsistence: boolean): Plan {
  if (number % 20 === 3) return 'buy twice'
  if (number % 20 === 7) return 'decline'
  if (number % 20 === 11) return 'stop'
  return number % 5 === 4 && withInsistence ? 'insist' : 'buy'
}

async function offer(site: Site, number: number, providers: readonly (Person & { plan: Plan })[]): Promise<Member[]> {
  // All of one length, so that no client's details are part of another's.
  const client = `client-${String(number).padStart(4, '0')}`
  const { status, body } = await site.api('POST', '/api/leads', {
    ...SAMPLE_LEAD,
    client_name: `Sarah ${client}`,
    client_phone: `+1 555 ${client}`,
    client_email: `${client}@client.example`,
    exact_address: `1 Ocean Drive ${client}`,
    provider_ids: providers.map(({ id }) => id),
  })
  if (status !== 201) throw new Error(`POST /api/leads answered ${status}: ${JSON.stringify(body)}`)
  const unlockIds = new Map<string, number>(body.unlocks.map((one: Json) => [one.provider_id, one.id]))
  return providers.map(({ id, phone, plan }) => {
    const unlockId = unlockIds.get(id)
    if (unlockId === undefined) throw new Error(`POST /api/leads answered no unlock for ${id}`)
    return { plan, providerId: id, phone, leadId: body.lead.id, unlockId }
  })
}

/** Looks at every text as it arrives on a phone, and has its owner answer after a while. */
function answering(site: Site, members: readonly Member[], paceMs: () => number) {
  const timers = new Set<NodeJS.Timeout>()
  const underWay = new Set<Promise<void>>()
  const problems: unknown[] = []
  const answered = new Set<string>()
  const later = (member: Member, occasion: string, act: () => Promise<unknown>) => {
    if (answered.has(`${member.unlockId} ${occasion}`)) return
    answered.add(`${member.unlockId} ${occasion}`)
    const timer = setTimeout(() => {
      timers.delete(timer)
      const acting = act().then(
        () => void underWay.delete(acting),
        (error: unknown) => void problems.push(error),
      )
      underWay.add(acting)
    }, paceMs())
    timers.add(timer)
  }
  const read = (phone: string, text: string) => {
    const member = members.find((one) => one.phone === phone)
    if (member === undefined) return
    const says = (words: string) => site.textmagic.reply({ from: phone, text: words })
    const { plan, leadId } = member
    if (text.endsWith(`Lead ${leadId}.`)) {
      const words = `${plan === 'decline' ? 'N' : 'Y'} ${leadId}`
      later(member, 'teaser', () => Promise.all(plan === 'insist' ? [says(words), says(words)] : [says(words)]))
    }
    const url = /details: (\S+) \(Lead/.exec(text)?.[1]
    if (url !== undefined) later(member, 'link', () => (plan === 'stop' ? says('STOP') : pay(site, url, plan)))
  }
  let next = 0
  const look = () => {
    const messages = site.textmagic.messages()
    const arrived = messages.slice(next)
    next = messages.length
    for (const { phone, text } of arrived) read(phone, text)
  }
  const unsubscribe = site.textmagic.onChange(look)
  look()
  return {
    problems,
    async stop() {
      unsubscribe()
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(underWay)
      if (problems.length > 0) throw new AggregateError(problems, `answers failed: ${problems.map(String).join('; ')}`)
    },
  }
}

async function pay({ stripe }: Site, url: string, plan: Plan): Promise<void> {
  await stripe.payLink(url)
  if (plan === 'buy twice') await stripe.payLink(url, { force: true })
}
