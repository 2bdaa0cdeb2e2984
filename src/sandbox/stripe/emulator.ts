import Fastify from 'fastify'
import { FaultSwitch, injectFaults } from '../faults.ts'
import { type Actions, accountActions } from './actions.ts'
import { stripeApi } from './api/app.ts'
import { IdempotencyKeys } from './api/idempotency.ts'
import { type LoggedRequest, RequestLog } from './api/request-log.ts'
import { startRequest } from './api/request-state.ts'
import { checkoutPages } from './checkout/routes.ts'
import { controlRoutes } from './control/routes.ts'
import { type StripeEmulatorOptions, sandboxRetryDelaysMs } from './emulator-options.ts'
import { type Inspection, inspection } from './inspection.ts'
import { emulatorClock } from './ledger/clock.ts'
import { Journal } from './ledger/journal.ts'
import type { Ledger } from './ledger/ledger.ts'
import { RefundPlan } from './ledger/refund-plan.ts'
import { openState } from './ledger/state.ts'
import { secretsOf, type WebhookControl, webhookControl } from './webhooks/control.ts'
import { recordEvent } from './webhooks/events.ts'
import { WebhookSender } from './webhooks/sender.ts'

export type { StripeEmulatorOptions } from './emulator-options.ts'

/** A running emulator: what customers do, what went wrong on purpose, and what to see of it. */
export type StripeEmulator = Actions &
  Inspection &
  WebhookControl & {
    url: string
    /** Failures on the way to or from Stripe: nothing of them is remembered under an idempotency key. */
    faults: FaultSwitch
    /** Failures (`status`, `accept_then_status`) that Stripe answers itself and replays under the idempotency key. */
    recordedFaults: FaultSwitch
    /** API requests, oldest first. */
    requestLog(): LoggedRequest[]
    /** Moves the emulated clock forward, by milliseconds. */
    advanceClock(milliseconds: number): void
    close(): Promise<void>
  }

/** Starts an emulator of the Stripe API with its checkout pages. Rejects when it cannot listen or read its state. */
export async function startStripeEmulator(options: StripeEmulatorOptions): Promise<StripeEmulator> {
  const journal = new Journal(options.stateFile)
  const state = openState(journal)
  const clock = emulatorClock(options.now)
  const sender = new WebhookSender({
    events: state.events,
    endpoint: { url: options.webhookUrl, secrets: secretsOf(options.webhookSecret) },
    retryDelaysMs: options.retryDelaysMs ?? sandboxRetryDelaysMs,
    hold: options.autoDeliver === false,
    signedAt: options.signedAt ?? (() => new Date()),
  })
  const ledger: Ledger = {
    state,
    clock,
    publicUrl: '',
    emit: (type, object, cause) => recordEvent(state, sender, clock, type, object, cause),
  }
  const refundPlan = new RefundPlan(ledger)
  const requests = new RequestLog()
  const app = Fastify({
    forceCloseConnections: true,
    // A misspelt control parameter must be refused, not dropped.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  })
  const emulator: StripeEmulator = {
    ...accountActions(ledger, refundPlan),
    ...inspection(state),
    ...webhookControl(ledger, sender),
    url: '',
    faults: new FaultSwitch(),
    recordedFaults: new FaultSwitch(),
    requestLog: () => requests.list(),
    advanceClock: (milliseconds) => clock.advance(milliseconds),
    async close() {
      refundPlan.close()
      await app.close()
      await sender.close()
      journal.close()
    },
  }
  app.addHook('onRequest', async (request) => {
    if (request.url.startsWith('/v1/')) requests.add(startRequest(request, clock.now()).log)
  })
  injectFaults(app, emulator.faults)
  await app.register(stripeApi, {
    prefix: '/v1',
    ledger,
    secretKey: options.secretKey,
    keys: new IdempotencyKeys(state.idempotencyKeys, clock),
    recordedFaults: emulator.recordedFaults,
    refundPlan,
  })
  await app.register(checkoutPages, { ledger, merchantName: options.merchantName ?? 'Gold Touch List' })
  await app.register(controlRoutes, { prefix: '/_control', emulator })
  emulator.url = await app.listen({ port: options.port ?? 0, host: '127.0.0.1' })
  ledger.publicUrl = emulator.url
  sender.resume()
  return emulator
}
