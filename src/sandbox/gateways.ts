import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SANDBOX_TEXTMAGIC_USERNAME, type SandboxSecrets } from './environment.ts'
import type { Supervised } from './processes/supervise.ts'
import { type StripeEmulator, startStripeEmulator } from './stripe/emulator.ts'
import { startTextMagicEmulator } from './textmagic/emulator.ts'
import type { TextMagicEmulator } from './textmagic/types.ts'

export type Gateways = { textmagic: TextMagicEmulator; stripe: StripeEmulator; children: Supervised[] }

export type GatewaysOptions = {
  /** State directory: what the gateways know is kept in it. */
  dir: string
  secrets: SandboxSecrets
  /** Where links to the checkout page should point; a free port when absent or taken. */
  stripePort?: number | undefined
}

/** The emulated gateways. Nothing is posted anywhere until their callbacks are set. */
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
    merchantName: 'Gold Touch List',
  })
  return {
    textmagic,
    stripe,
    children: [
      { name: 'textmagic emulator', stop: () => textmagic.close() },
      { name: 'stripe emulator', stop: () => stripe.close() },
    ],
  }
}
