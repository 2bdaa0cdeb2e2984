import type { Config } from '../config.ts'
import type { OfferTerms, TeaserPolicy } from '../db/leads/offers.ts'

/** What of the configuration the ingress needs. */
export type ApiConfig = {
  /** Where the API is reached from outside. */
  publicUrl: string
  /** NODE_ENV=production: nothing is relaxed for a laptop. */
  production: boolean
  /** Whose pages may call the API from a browser. */
  corsOrigins: readonly string[]
  /** Addresses and networks whose word for where a request came from is taken. */
  trustedProxies: readonly string[]
  /** Calls that one key may make. */
  apiRatePerMinute: number
  adminApiKey: string
  /** Without one there is no operator. */
  operatorApiKey: string | null
  /** Several while a secret is being rolled. */
  stripeWebhookSecrets: readonly string[]
  /** Expected as `?token=`; without one the callbacks are open to whoever knows their address. */
  textmagicWebhookToken: string | null
  /** Opens /metrics and nothing else; without one it takes an API key. */
  metricsToken: string | null
  /** Of offers for which nobody named any. */
  defaultTerms: OfferTerms
  teasers: TeaserPolicy
}

export function apiConfigOf(config: Config): ApiConfig {
  return {
    publicUrl: config.publicUrl,
    production: config.production,
    corsOrigins: config.corsOrigins,
    trustedProxies: config.trustedProxies,
    apiRatePerMinute: config.apiRatePerMinute,
    adminApiKey: config.adminApiKey,
    operatorApiKey: config.operatorApiKey,
    stripeWebhookSecrets: config.stripe.webhookSecrets,
    textmagicWebhookToken: config.textmagic.webhookToken,
    metricsToken: config.metricsToken,
    defaultTerms: config.leadDefaults,
    teasers: { quiet: config.quiet, footer: config.teaserFooter },
  }
}
