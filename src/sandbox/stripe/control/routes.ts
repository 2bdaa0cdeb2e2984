import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { StripeApiError } from '../api-error.ts'
import type { StripeEmulator } from '../emulator.ts'
import { Refusal } from '../ledger/refusal.ts'
import { statusOfError } from '../status-of-error.ts'
import {
  clockBody,
  disputeBody,
  expireSessionBody,
  openSessionBody,
  payBody,
  recordedFaultBody,
  refundBody,
  refundPlanBody,
  resendEventBody,
  sendEventBody,
  settleBody,
  webhooksBody,
} from './schemas.ts'

/**
 * The emulator's switches for other processes, over HTTP without authorisation: 404 for what does not exist, 409 for what
 * the state of the account forbids. To be registered under `/_control`; the faults have their routes there already.
 */
export function controlRoutes(
  plain: FastifyInstance,
  { emulator }: { emulator: StripeEmulator },
  done: () => void,
): void {
  const app = plain.withTypeProvider<TypeBoxTypeProvider>()
  app.setErrorHandler((error, _request, reply) => reply.code(statusOf(error)).send({ error: messageOf(error) }))

  app.post('/pay', { schema: { body: payBody } }, async ({ body }) => {
    const { link, url, session, ...options } = body
    const payment =
      session === undefined
        ? await emulator.payLink(link ?? url ?? '', options)
        : await emulator.paySession(session, options)
    return { session: payment.session, payment_intent: payment.paymentIntent }
  })
  app.post('/sessions', { schema: { body: openSessionBody } }, async ({ body: { link, force } }) =>
    emulator.openSession(link, { force }),
  )
  app.post('/expire', { schema: { body: expireSessionBody } }, async ({ body }) => emulator.expireSession(body.session))
  app.post('/settle', { schema: { body: settleBody } }, async ({ body }) => {
    if ('refund' in body) return emulator.settleRefund(body.refund, body.outcome)
    const payment = await emulator.settleAsync(body.session, body.outcome)
    return { session: payment.session, payment_intent: payment.paymentIntent }
  })
  app.post('/dispute', { schema: { body: disputeBody } }, async ({ body }) =>
    body.close === undefined
      ? emulator.dispute(body.payment_intent, body.reason)
      : emulator.closeDispute(body.payment_intent, body.close),
  )
  app.post('/refund', { schema: { body: refundBody } }, async ({ body: { payment_intent, ...refund } }) =>
    emulator.refund(payment_intent, refund),
  )
  app.post('/refund_plan', { schema: { body: refundPlanBody } }, async ({ body }, reply) => {
    if (body.outcome !== undefined) emulator.setRefundOutcome(body.outcome)
    if (body.fail_next !== undefined) emulator.failNextRefund(body.fail_next)
    return reply.code(204).send()
  })
  app.post('/events', { schema: { body: sendEventBody } }, async ({ body }) =>
    emulator.sendEvent(body.type, body.object),
  )
  app.post('/events/resend', { schema: { body: resendEventBody } }, async ({ body: { event, duplicate } }) =>
    emulator.resendEvent(event, { duplicate }),
  )
  app.post('/webhooks', { schema: { body: webhooksBody } }, async ({ body: { url, secret, hold, release } }, reply) => {
    emulator.setWebhook({ url, secret })
    if (hold === true) emulator.holdWebhooks()
    if (release !== undefined) await emulator.releaseWebhooks(release === true ? {} : release)
    return reply.code(204).send()
  })
  app.post('/clock', { schema: { body: clockBody } }, async ({ body }, reply) => {
    emulator.advanceClock(body.advance_seconds * 1000)
    return reply.code(204).send()
  })
  app.post('/recorded_faults', { schema: { body: recordedFaultBody } }, async ({ body }, reply) => {
    emulator.recordedFaults.add(body)
    return reply.code(204).send()
  })
  app.delete('/recorded_faults', async (_request, reply) => {
    emulator.recordedFaults.clear()
    return reply.code(204).send()
  })
  app.get('/state', async () => ({
    links: emulator.links(),
    sessions: emulator.sessions(),
    payment_intents: emulator.paymentIntents(),
    charges: emulator.charges(),
    refunds: emulator.refunds(),
    disputes: emulator.disputes(),
    events: emulator.events(),
  }))
  app.get('/requests', async () => emulator.requestLog())
  done()
}

function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.code === 'not_found' ? 404 : 409
  if (error instanceof StripeApiError) return error.status
  return statusOfError(error)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
