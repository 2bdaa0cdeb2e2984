import { afterEach, beforeEach } from 'vitest'
import { createStripe, type NewPaymentLink, type StripeGateway, type StripeOptions } from '../../src/gateways/stripe.ts'
import { searchLagSeconds } from '../../src/sandbox/stripe/api/search-payment-intents.ts'
import { type StripeEmulator, startStripeEmulator } from '../../src/sandbox/stripe/emulator.ts'

const secretKey = 'sk_test_1'

export const newLink: NewPaymentLink = {
  unlockId: 12,
  leadId: 'lead_abc12345',
  providerId: 'provider60',
  generation: 1,
  attempt: 0,
  priceCents: 2000,
  currency: 'usd',
  productName: 'Client inquiry in Miami',
  inactiveMessage: 'This link is closed.',
}
export const owner = { unlockId: 12, leadId: 'lead_abc12345' }

/** After that long a payment is found by its metadata. */
export const SEARCH_LAG_MS = searchLagSeconds * 1000

export type StripeHarness = {
  emulator: StripeEmulator
  stripe: StripeGateway
  /** A client with other options, closed after the test. */
  clientOf(options: Partial<StripeOptions>): StripeGateway
}

/** An emulator and a client of it, new for every test. The client repeats nothing, unless a test asks for one that does. */
export function useStripe(): StripeHarness {
  let clients: StripeGateway[] = []
  let emulator: StripeEmulator | undefined
  const started = () => {
    if (emulator === undefined) throw new Error('the emulator runs during tests only')
    return emulator
  }
  const clientOf = (options: Partial<StripeOptions>) => {
    const client = createStripe({ secretKey, apiUrl: started().url, timeoutMs: 300, maxNetworkRetries: 0, ...options })
    clients.push(client)
    return client
  }
  const harness = { clientOf } as StripeHarness
  beforeEach(async () => {
    emulator = await startStripeEmulator({ secretKey, webhookSecret: 'whsec_1' })
    harness.emulator = emulator
    harness.stripe = clientOf({ timeoutMs: 2_000 })
  })
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()))
    clients = []
    await emulator?.close()
  })
  return harness
}
