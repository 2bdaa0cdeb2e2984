import type Stripe from 'stripe'
import { Type } from 'typebox'
import { readValue } from '../answers.ts'
import type { StripeCaller } from './caller.ts'
import { isNotFound } from './classify.ts'
import { collect, items } from './pages.ts'
import { openSessions } from './sessions.ts'

export type NewPaymentLink = {
  unlockId: number
  leadId: string
  providerId: string
  /** Counts the times the unlock was opened for payment anew: each has one link of its own. */
  generation: number
  /** Raised after an answer that Stripe would only repeat; see `createPaymentLink`. */
  attempt: number
  /** In the currency's smallest unit. */
  priceCents: number
  currency: string
  productName: string
  /** Shown to whoever opens the link once it is closed. */
  inactiveMessage: string
}

export type PaymentLink = { id: string; url: string }

const linkSchema = Type.Object({
  id: Type.String({ minLength: 1 }),
  url: Type.String({ pattern: '^https?://' }),
  metadata: Type.Record(Type.String(), Type.String()),
})

/** See `StripeGateway.createPaymentLink`. */
export async function createPaymentLink(stripe: StripeCaller, link: NewPaymentLink): Promise<PaymentLink> {
  const operation = { name: 'stripe create payment link', keyed: true }
  // The lead's id is random, so that environments sharing an account, which all count unlocks from 1, never share a key.
  const idempotencyKey = `${link.leadId}-unlock-${link.unlockId}-link-${link.generation}-${link.attempt}`
  const answer = await stripe.call(operation, (sdk) => sdk.paymentLinks.create(paramsOf(link), { idempotencyKey }))
  const { id, url } = readValue(operation.name, linkSchema, answer)
  return { id, url }
}

function paramsOf(link: NewPaymentLink): Stripe.PaymentLinkCreateParams {
  const metadata = {
    lead_id: link.leadId,
    provider_id: link.providerId,
    unlock_id: String(link.unlockId),
    generation: String(link.generation),
  }
  return {
    line_items: [
      {
        price_data: {
          currency: link.currency,
          unit_amount: link.priceCents,
          product_data: { name: link.productName },
        },
        quantity: 1,
      },
    ],
    restrictions: { completed_sessions: { limit: 1 } },
    metadata,
    // A link's metadata is copied to its sessions, but not to their payment intents.
    payment_intent_data: { metadata },
    payment_method_types: ['card'],
    inactive_message: link.inactiveMessage,
  }
}

/** Links of an unlock by their generations. */
export type WantedLinks = { unlockId: number; leadId: string; generations: readonly number[] }

/** See `StripeGateway.findActiveLinks`. */
export async function findActiveLinks(
  stripe: StripeCaller,
  { unlockId, leadId, generations }: WantedLinks,
): Promise<Map<number, PaymentLink>> {
  const name = 'stripe find payment link'
  const found = new Map<number, PaymentLink>()
  if (generations.length === 0) return found
  const links = items(name, linkSchema, (cursor) =>
    stripe.call({ name }, (sdk) => sdk.paymentLinks.list({ active: true, ...cursor })),
  )
  try {
    for await (const { id, url, metadata } of links) {
      if (metadata.lead_id !== leadId || metadata.unlock_id !== String(unlockId)) continue
      const generation = generations.find((wanted) => String(wanted) === metadata.generation)
      if (generation !== undefined && !found.has(generation)) found.set(generation, { id, url })
      if (found.size === generations.length) break
    }
  } catch (error) {
    // Stripe lists links; a stand-in at STRIPE_API_URL that cannot must not keep a provider without one after an outage.
    if (!isNotFound(error)) throw error
  }
  return found
}

/** See `StripeGateway.closeLink`. */
export async function closeLink(stripe: StripeCaller, linkId: string): Promise<boolean> {
  try {
    await stripe.call({ name: 'stripe close payment link' }, (sdk) =>
      sdk.paymentLinks.update(linkId, { active: false }),
    )
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
  // Only now: before, the link could open another session. Read whole first, since expiring changes what the list holds.
  const open = await collect(openSessions(stripe, linkId))
  for (const { id } of open) await expireSession(stripe, linkId, id)
  return true
}

async function expireSession(stripe: StripeCaller, linkId: string, sessionId: string): Promise<void> {
  const name = 'stripe expire checkout session'
  try {
    await stripe.call({ name }, (sdk) => sdk.checkout.sessions.expire(sessionId))
  } catch (error) {
    // Paid or expired since it was listed, perhaps by this very call, which is fine, unless it still takes money.
    for await (const { id } of openSessions(stripe, linkId)) if (id === sessionId) throw error
  }
}
