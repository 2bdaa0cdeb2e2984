import { createHmac } from 'node:crypto'

/**
 * The `Stripe-Signature` header over exactly these bytes: one `v1` per secret, several while a secret is being rolled
 * (https://docs.stripe.com/webhooks/signature). `timestamp` in seconds.
 */
export function signatureHeader(rawBody: string, secrets: readonly string[], timestamp: number): string {
  const signatures = secrets.map((secret) => {
    const hmac = createHmac('sha256', secret).update(`${timestamp}.${rawBody}`, 'utf8').digest('hex')
    return `v1=${hmac}`
  })
  return [`t=${timestamp}`, ...signatures].join(',')
}
