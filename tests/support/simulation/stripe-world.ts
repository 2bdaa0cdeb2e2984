import Fastify from 'fastify'
import type { StripeGateway } from '../../../src/gateways/stripe.ts'
import { FaultSwitch } from '../../../src/sandbox/faults.ts'
import { type Actions, accountActions } from '../../../src/sandbox/stripe/actions.ts'
import { stripeApi } from '../../../src/sandbox/stripe/api/app.ts'
import { IdempotencyKeys } from '../../../src/sandbox/stripe/api/idempotency.ts'
import { startRequest } from '../../../src/sandbox/stripe/api/request-state.ts'
import { emulatorClock } from '../../../src/sandbox/stripe/ledger/clock.ts'
import { Journal } from '../../../src/sandbox/stripe/ledger/journal.ts'
import type { Ledger } from '../../../src/sandbox/stripe/ledger/ledger.ts'
import { RefundPlan } from '../../../src/sandbox/stripe/ledger/refund-plan.ts'
import { openState, type State } from '../../../src/sandbox/stripe/ledger/state.ts'
import { recordEvent } from '../../../src/sandbox/stripe/webhooks/events.ts'
import { WebhookSender } from '../../../src/sandbox/stripe/webhooks/sender.ts'
import type { SimulatedClock } from './clock.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'
import { simulatedStripe } from './stripe-client.ts'

export type StripeWorld = {
  state: State
  actions: Actions
  /** The product's own client, on a wire without sockets. */
  client: StripeGateway
  close(): Promise<void>
}

const SECRET_KEY = 'sk_test_simulated'

/** The Stripe emulator, driven by the simulation: its ledger and its API without a socket, a timer or a webhook. */
export async function openStripeWorld(clock: SimulatedClock, network: Network, random: Random): Promise<StripeWorld> {
  const state = openState(new Journal(undefined))
  const emulated = emulatorClock(() => clock.date())
  // Holds every event: delivering them is the history's to do.
  const sender = new WebhookSender({
    events: state.events,
    endpoint: { url: 'http://ingress.invalid', secrets: [] },
    retryDelaysMs: [],
    hold: true,
    signedAt: () => clock.date(),
  })
  const ledger: Ledger = {
    state,
    clock: emulated,
    publicUrl: 'https://buy.stripe.invalid',
    emit: (type, object, cause) => recordEvent(state, sender, emulated, type, object, cause),
  }
  const refundPlan = new RefundPlan(ledger)
  const recordedFaults = new FaultSwitch()
  const app = Fastify()
  app.addHook('onRequest', async (request) => {
    startRequest(request, clock.date())
  })
  await app.register(stripeApi, {
    prefix: '/v1',
    ledger,
    secretKey: SECRET_KEY,
    keys: new IdempotencyKeys(state.idempotencyKeys, emulated),
    recordedFaults,
    refundPlan,
  })
  await app.ready()
  return {
    state,
    actions: accountActions(ledger, refundPlan),
    client: simulatedStripe(SECRET_KEY, { app, network, random, recordedFaults }),
    async close() {
      refundPlan.close()
      await sender.close()
      await app.close()
    },
  }
}
