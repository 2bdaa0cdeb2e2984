import { randomBytes } from 'node:crypto'
import { SANDBOX_MARK } from '../config/production.ts'

/** Secrets of a sandbox. They guard nothing but a laptop's emulators; a real deployment sets its own. */
export type SandboxSecrets = {
  adminApiKey: string
  operatorApiKey: string
  stripeSecretKey: string
  stripeWebhookSecret: string
  textmagicApiKey: string
  textmagicWebhookToken: string
  /** `id:base64`, as ENCRYPTION_KEYS takes it. */
  encryptionKeys: string
}

export const SANDBOX_TEXTMAGIC_USERNAME = SANDBOX_MARK
export const SANDBOX_FROM_NUMBER = '13055550100'

/** Draws new secrets. Each bears a mark, by which production refuses it. */
export function newSandboxSecrets(): SandboxSecrets {
  const random = () => `${SANDBOX_MARK}_${randomBytes(24).toString('base64url')}`
  return {
    adminApiKey: `admin_${random()}`,
    operatorApiKey: `operator_${random()}`,
    stripeSecretKey: `sk_test_${SANDBOX_MARK}${randomBytes(24).toString('hex')}`,
    stripeWebhookSecret: `whsec_${random()}`,
    textmagicApiKey: random(),
    textmagicWebhookToken: random(),
    encryptionKeys: `${SANDBOX_MARK}:${randomBytes(32).toString('base64')}`,
  }
}

export type SandboxAddresses = {
  databaseUrl: string
  redisUrl: string
  apiPort: number
  textmagicUrl: string
  stripeUrl: string
  fallbackUrl: string
  alertUrl: string
}

/** The environment in which the product's own processes run in the sandbox: the one of production, with local addresses. */
export function sandboxEnvironment(addresses: SandboxAddresses, secrets: SandboxSecrets): Record<string, string> {
  return {
    DATABASE_URL: addresses.databaseUrl,
    REDIS_URL: addresses.redisUrl,
    PORT: String(addresses.apiPort),
    PUBLIC_URL: `http://localhost:${addresses.apiPort}`,
    ADMIN_API_KEY: secrets.adminApiKey,
    OPERATOR_API_KEY: secrets.operatorApiKey,
    STRIPE_SECRET_KEY: secrets.stripeSecretKey,
    STRIPE_WEBHOOK_SECRET: secrets.stripeWebhookSecret,
    STRIPE_API_URL: addresses.stripeUrl,
    TEXTMAGIC_USERNAME: SANDBOX_TEXTMAGIC_USERNAME,
    TEXTMAGIC_API_KEY: secrets.textmagicApiKey,
    TEXTMAGIC_FROM_NUMBER: SANDBOX_FROM_NUMBER,
    TEXTMAGIC_API_URL: addresses.textmagicUrl,
    TEXTMAGIC_WEBHOOK_TOKEN: secrets.textmagicWebhookToken,
    ENCRYPTION_KEYS: secrets.encryptionKeys,
    FALLBACK_SMS_WEBHOOK_URL: addresses.fallbackUrl,
    OPS_ALERT_WEBHOOK_URL: addresses.alertUrl,
    QUIET_HOURS: 'off',
    // The narrator and tests ask far more often than a person or a system would.
    API_RATE_PER_MINUTE: '1000000',
  }
}

/** Where the emulated gateways post to. */
export function callbackUrls(
  apiUrl: string,
  secrets: SandboxSecrets,
): { inbound: string; delivery: string; stripe: string } {
  const token = `?token=${encodeURIComponent(secrets.textmagicWebhookToken)}`
  return {
    inbound: `${apiUrl}/webhook/textmagic${token}`,
    delivery: `${apiUrl}/webhook/textmagic/delivery${token}`,
    stripe: `${apiUrl}/webhook/stripe`,
  }
}
