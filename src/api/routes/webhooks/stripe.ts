import { Type } from 'typebox'
import type { Inbox } from '../../../db/inbox/store.ts'
import { madeAt } from '../../../domain/stripe-event.ts'
import { BadSignatureError, type SignedEvent, verifyStripeSignature } from '../../../gateways/stripe-signature.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { ProblemError, problemResponses } from '../../problem.ts'
import { keepArrival, Received } from './keep-arrival.ts'
import { rawBody } from './raw-bodies.ts'

const schema = {
  tags: ['webhooks'],
  summary: 'An event of Stripe',
  description:
    'Signed over the raw body. Answered 200 once stored, 503 when it could not be stored: Stripe then sends it again.',
  security: [{ stripeSignature: [] }],
  consumes: ['application/json'],
  body: Type.Object({ id: Type.String(), type: Type.String() }),
  response: { 200: Received, ...problemResponses(400, 413, 429, 500, 503) },
}

/** POST /webhook/stripe */
export function stripeWebhook(scope: App, { publisher, config }: ApiDeps, inbox: Inbox): void {
  scope.post('/stripe', { schema, config: { webhook: 'stripe' } }, async (request) => {
    const raw = rawBody(request.body)
    const event = verify(raw, request.headers['stripe-signature']?.toString(), config.stripeWebhookSecrets)
    if (event === 'bad signature') return scope.refuseAuthentication(request, new ProblemError('bad-signature'))
    return keepArrival(publisher, request, raw, (arrival) =>
      event !== null && /^[\w.:-]{1,255}$/.test(event.id)
        ? inbox.storeStripeEvent(event.id, arrival, madeAt(event))
        : inbox.storeUnintelligible('stripe', arrival),
    )
  })
}

function verify(
  raw: Buffer,
  header: string | undefined,
  secrets: readonly string[],
): SignedEvent | null | 'bad signature' {
  try {
    return verifyStripeSignature({ rawBody: raw, header, secrets }).event
  } catch (error) {
    if (error instanceof BadSignatureError) return 'bad signature'
    throw error
  }
}
