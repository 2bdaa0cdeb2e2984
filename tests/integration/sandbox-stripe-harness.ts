import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Stripe from 'stripe'
import { onTestFinished, vi } from 'vitest'
import {
  type StripeEmulator,
  type StripeEmulatorOptions,
  startStripeEmulator,
} from '../../src/sandbox/stripe/emulator.ts'

export const secretKey = 'sk_test_emulator'
export const webhookSecret = 'whsec_emulator'

/** An emulator and the official SDK talking to it, both gone when the test is over. */
export async function startStripe(
  options: Partial<StripeEmulatorOptions> = {},
): Promise<{ emulator: StripeEmulator; stripe: Stripe }> {
  const emulator = await startStripeEmulator({ secretKey, webhookSecret, retryDelaysMs: [5, 10], ...options })
  onTestFinished(() => emulator.close())
  return { emulator, stripe: sdkFor(emulator.url) }
}

/** The SDK as the product configures it, except that it never retries by itself unless told to. */
export function sdkFor(
  url: string,
  config: { maxNetworkRetries?: number; timeout?: number; key?: string } = {},
): Stripe {
  const { hostname, port } = new URL(url)
  const { maxNetworkRetries = 0, timeout = 10_000, key = secretKey } = config
  return new Stripe(key, { host: hostname, port, protocol: 'http', telemetry: false, maxNetworkRetries, timeout })
}

/** A link as the product makes it: once payable, $20.00, metadata on the link and its PaymentIntent. */
export function linkParams(changes: Partial<Stripe.PaymentLinkCreateParams> = {}): Stripe.PaymentLinkCreateParams {
  const metadata = { lead_id: 'lead_abc12345', provider_id: 'provider60', unlock_id: '12' }
  return {
    line_items: [
      {
        price_data: { currency: 'usd', unit_amount: 2000, product_data: { name: 'Unlock lead_abc12345' } },
        quantity: 1,
      },
    ],
    restrictions: { completed_sessions: { limit: 1 } },
    metadata,
    payment_intent_data: { metadata },
    payment_method_types: ['card'],
    inactive_message: 'This lead has been unlocked.',
    ...changes,
  }
}

export type ReceivedWebhook = { body: string; signature: string }

export type Receiver = {
  url: string
  received: ReceivedWebhook[]
  /** What it received, in order, verified by the SDK. */
  events(secret?: string): Stripe.Event[]
  /** Statuses to answer next; 200 when used up. */
  answers: number[]
}

/** A webhook endpoint that keeps what it is sent. */
export async function startReceiver(): Promise<Receiver> {
  const received: ReceivedWebhook[] = []
  const answers: number[] = []
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      received.push({ body, signature: String(request.headers['stripe-signature']) })
      response.writeHead(answers.shift() ?? 200, { location: '/elsewhere' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  const { port } = server.address() as AddressInfo
  const verify = ({ body, signature }: ReceivedWebhook, secret: string) =>
    new Stripe(secretKey).webhooks.constructEvent(body, signature, secret)
  return {
    url: `http://127.0.0.1:${port}/webhook/stripe`,
    received,
    events: (secret = webhookSecret) => received.map((webhook) => verify(webhook, secret)),
    answers,
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** Waits until the condition holds, checking often. */
export async function until(condition: () => boolean): Promise<void> {
  await vi.waitUntil(condition, { interval: 5, timeout: 15_000 })
}
