import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { callbackUrls, SANDBOX_TEXTMAGIC_USERNAME, type SandboxSecrets } from './environment.ts'
import type { Supervised } from './processes/supervise.ts'
import { type StripeEmulator, startStripeEmulator } from './stripe/emulator.ts'
import { startTextMagicEmulator } from './textmagic/emulator.ts'
import type { TextMagicEmulator } from './textmagic/types.ts'

export type Gateways = {
  textmagic: TextMagicEmulator
  stripe: StripeEmulator
  /** Has both post to the API at this address, and Stripe tell of what it kept back until now. */
  postTo(apiUrl: string): Promise<void>
  children: Supervised[]
}

export type GatewaysOptions = {
  /** State directory: what the gateways know is kept in it. */
  dir: string
  secrets: SandboxSecrets
  /** Where links to the checkout page should point; a free port when absent or taken. */
  stripePort?: number | undefined
}

/**
 * The emulated gateways. Nothing is posted anywhere before `postTo`; Stripe keeps its events for then, because the pages of an
 * earlier run can be paid as soon as they are served.
 */
export async function startGateways({ dir, secrets, stripePort }: GatewaysOptions): Promise<Gateways> {
  const home = join(dir, 'gateways')
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const textmagic = await startTextMagicEmulator({
    username: SANDBOX_TEXTMAGIC_USERNAME,
    apiKey: secrets.textmagicApiKey,
    stateFile: join(home, 'textmagic.json'),
  })
  const stripe = await startStripeEmulator({
    secretKey: secrets.stripeSecretKey,
    webhookSecret: secrets.stripeWebhookSecret,
    stateFile: join(home, 'stripe.json'),
    port: stripePort,
    autoDeliver: false,
    merchantName: 'Gold Touch List',
  })
  return {
    textmagic,
    stripe,
    async postTo(apiUrl) {
      const urls = callbackUrls(apiUrl, secrets)
      textmagic.configure({ inboundUrl: urls.inbound, deliveryUrl: urls.delivery })
      stripe.setWebhook({ url: urls.stripe })
      await stripe.releaseWebhooks()
    },
    children: [
      { name: 'textmagic emulator', stop: () => textmagic.close() },
      { name: 'stripe emulator', stop: () => stripe.close() },
    ],
  }
}
