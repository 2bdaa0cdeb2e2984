import type Stripe from 'stripe'
import { Type } from 'typebox'
import { isLost, type NamedDispute } from '../../domain/disputes.ts'
import { readValue } from '../answers.ts'
import { RefusedError } from '../errors.ts'
import type { StripeCaller } from './caller.ts'
import { isNotFound } from './classify.ts'
import { listDisputes } from './disputes.ts'
import { collect } from './pages.ts'
import { sessionsOf } from './sessions.ts'

export type PaymentOwner = { unlockId: number; leadId: string; linkIds: readonly string[] }

/** Money Stripe says it took. */
export type FoundPayment = {
  /** Null for a payment that carries our metadata but was not made on a checkout page. */
  sessionId: string | null
  /** Null when nothing was charged (a price of zero). */
  paymentIntentId: string | null
  paymentLinkId: string | null
  /** In the currency's smallest unit. */
  amountCents: number
  currency: string
  /** What has gone back to the payer already, in the same unit. */
  refundedCents: number
  /** Oldest first; those that are over as well. */
  disputes: readonly NamedDispute[]
  paidAt: Date
}

/** The whole of it went back to the payer by refunds. */
export function isRefunded({ refundedCents, amountCents }: FoundPayment): boolean {
  return refundedCents > 0 && refundedCents >= amountCents
}

/** The payer's bank took it back. */
export function isTakenBack({ disputes }: FoundPayment): boolean {
  return disputes.some(isLost)
}

const SEARCH = 'stripe search payments'
const intentSchema = Type.Object({
  id: Type.String({ minLength: 1 }),
  status: Type.String(),
  metadata: Type.Record(Type.String(), Type.String()),
})
const searchSchema = Type.Object({ data: Type.Array(intentSchema) })
/** A payment intent with its last charge, the one that succeeded, in place of that charge's id. */
const chargedIntentSchema = Type.Object({
  id: Type.String({ minLength: 1 }),
  amount_received: Type.Integer(),
  currency: Type.String(),
  created: Type.Integer(),
  latest_charge: Type.Union([
    Type.Object({ created: Type.Integer(), amount_refunded: Type.Integer(), disputed: Type.Boolean() }),
    Type.Null(),
  ]),
})

/** See `StripeGateway.findPayments`. */
export async function findPayments(stripe: StripeCaller, owner: PaymentOwner): Promise<FoundPayment[]> {
  const sessions = new Map<string, Stripe.Checkout.Session>()
  for (const linkId of owner.linkIds) {
    for await (const session of sessionsOf(stripe, { payment_link: linkId, status: 'complete' })) {
      if (isPaid(session)) sessions.set(session.id, session)
    }
  }
  const known = new Set([...sessions.values()].map((session) => session.payment_intent))
  const loose: FoundPayment[] = []
  for (const intentId of await searchIntents(stripe, owner)) {
    if (known.has(intentId)) continue
    const found = await collect(sessionsOf(stripe, { payment_intent: intentId }))
    for (const session of found) sessions.set(session.id, session)
    if (found.length === 0) loose.push(await describe(stripe, intentId, null))
  }
  const described: FoundPayment[] = []
  for (const session of sessions.values()) {
    const intentId = typeof session.payment_intent === 'string' ? session.payment_intent : null
    described.push(intentId === null ? asToldBy(session) : await describeSession(stripe, intentId, session))
  }
  return [...described, ...loose].sort((a, b) => a.paidAt.getTime() - b.paidAt.getTime())
}

function isPaid(session: Stripe.Checkout.Session): boolean {
  return session.payment_status === 'paid' || session.payment_status === 'no_payment_required'
}

/** Succeeded payments by our metadata: also those made on a link that was lost before its id was stored. */
async function searchIntents(stripe: StripeCaller, { unlockId, leadId }: PaymentOwner): Promise<string[]> {
  const quoted = (value: string) => `'${value.replace(/[\\']/g, '\\$&')}'`
  const query = `metadata['unlock_id']:${quoted(String(unlockId))} AND metadata['lead_id']:${quoted(leadId)} AND status:'succeeded'`
  try {
    const answer = await stripe.call({ name: SEARCH }, (sdk) => sdk.paymentIntents.search({ query, limit: 100 }))
    return readValue(SEARCH, searchSchema, answer)
      .data.filter(({ metadata }) => metadata.unlock_id === String(unlockId) && metadata.lead_id === leadId)
      .map(({ id }) => id)
  } catch (error) {
    // Search is not offered to every account and region: the links we know of are then what can be asked about.
    if (error instanceof RefusedError || isNotFound(error)) return []
    throw error
  }
}

async function describeSession(
  stripe: StripeCaller,
  intentId: string,
  session: Stripe.Checkout.Session,
): Promise<FoundPayment> {
  try {
    return await describe(stripe, intentId, session)
  } catch (error) {
    // A stand-in at STRIPE_API_URL may have no payment intents: that it was paid, and how much, the session tells as well.
    if (isNotFound(error)) return asToldBy(session)
    throw error
  }
}

async function describe(
  stripe: StripeCaller,
  intentId: string,
  session: Stripe.Checkout.Session | null,
): Promise<FoundPayment> {
  const name = 'stripe get payment'
  const answer = await stripe.call({ name }, (sdk) =>
    sdk.paymentIntents.retrieve(intentId, { expand: ['latest_charge'] }),
  )
  const intent = readValue(name, chargedIntentSchema, answer)
  return {
    sessionId: session?.id ?? null,
    paymentIntentId: intent.id,
    paymentLinkId: linkOf(session),
    amountCents: session?.amount_total ?? intent.amount_received,
    currency: session?.currency ?? intent.currency,
    refundedCents: intent.latest_charge?.amount_refunded ?? 0,
    disputes: intent.latest_charge?.disputed === true ? await listDisputes(stripe, intent.id) : [],
    paidAt: new Date((intent.latest_charge?.created ?? intent.created) * 1000),
  }
}

/** Without a word on what became of the money since. */
function asToldBy(session: Stripe.Checkout.Session): FoundPayment {
  return {
    sessionId: session.id,
    paymentIntentId: typeof session.payment_intent === 'string' ? session.payment_intent : null,
    paymentLinkId: linkOf(session),
    amountCents: session.amount_total ?? 0,
    currency: session.currency ?? '',
    refundedCents: 0,
    disputes: [],
    paidAt: new Date(session.created * 1000),
  }
}

function linkOf(session: Stripe.Checkout.Session | null): string | null {
  return typeof session?.payment_link === 'string' ? session.payment_link : null
}
