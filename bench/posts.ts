import { randomUUID } from 'node:crypto'
import { signatureHeader } from '../src/sandbox/stripe/webhooks/signature.ts'
import type { Post } from './load.ts'

/** A text from somebody; each is another one. */
export function inboundSms(token: string, sender: string, text: string): Post {
  const body = JSON.stringify({
    id: randomUUID(),
    sender,
    receiver: '13055550100',
    messageTime: '2026-01-05T18:38:28+0000',
    text,
  })
  const path = `/webhook/textmagic?token=${encodeURIComponent(token)}`
  return { path, headers: { 'content-type': 'application/json' }, body }
}

/** An event of Stripe's, signed as Stripe does. */
export function stripeEvent(secret: string, type: string, object: object): Post {
  const body = JSON.stringify({ id: `evt_${randomUUID()}`, object: 'event', type, data: { object } })
  const signature = signatureHeader(body, [secret], Math.floor(Date.now() / 1000))
  return {
    path: '/webhook/stripe',
    headers: { 'content-type': 'application/json', 'stripe-signature': signature },
    body,
  }
}

/** Stripe's word that a link was paid. */
export function paidEvent(secret: string, unlock: { id: number; leadId: string; linkId: string }): Post {
  const id = randomUUID()
  return stripeEvent(secret, 'checkout.session.completed', {
    id: `cs_test_${id}`,
    object: 'checkout.session',
    mode: 'payment',
    status: 'complete',
    payment_status: 'paid',
    payment_link: unlock.linkId,
    payment_intent: `pi_${id}`,
    amount_total: 2000,
    currency: 'usd',
    metadata: { lead_id: unlock.leadId, unlock_id: String(unlock.id), provider_id: 'provider1' },
  })
}
