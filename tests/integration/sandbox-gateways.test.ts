import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { newSandboxSecrets } from '../../src/sandbox/environment.ts'
import { type Gateways, startGateways } from '../../src/sandbox/gateways.ts'
import { linkParams, sdkFor, startReceiver } from './sandbox-stripe-harness.ts'

const secrets = newSandboxSecrets()

async function startIn(dir: string): Promise<Gateways> {
  const gateways = await startGateways({ dir, secrets })
  onTestFinished(async () => {
    for (const { stop } of gateways.children) await stop()
  })
  return gateways
}

test('who pays before the API is up, in a page that was left open, is told of once it is', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gateways-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const receiver = await startReceiver()
  const { stripe, postTo } = await startIn(dir)
  const sdk = sdkFor(stripe.url, { key: secrets.stripeSecretKey })
  const { id } = await sdk.paymentLinks.create(linkParams())
  await stripe.payLink(id)
  expect((await sdk.events.list({ delivery_success: false })).data).toHaveLength(2)

  await postTo(new URL(receiver.url).origin)
  expect(receiver.events(secrets.stripeWebhookSecret).map(({ type }) => type)).toEqual([
    'payment_intent.succeeded',
    'checkout.session.completed',
  ])
})
