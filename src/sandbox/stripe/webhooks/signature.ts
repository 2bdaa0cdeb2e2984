import { createHmac, randomBytes } from 'node:crypto'

/**
 * The `Stripe-Signature` header over exactly these bytes: one `v1` per secret, several while a secret is being rolled, and
 * the `v0` of test mode, which nobody can verify (https://docs.stripe.com/webhooks/signature). `timestamp` in seconds.
 */
export function signatureHeader(rawBody: string, secrets: readonly string[], timestamp: number): string {
  const signatures = secrets.map((secret) => {
    const hmac = createHmac('sha256', secret).update(`${timestamp}.${rawBody}`, 'utf8').digest('hex')
    return `v1=${hmac}`
  })
  return [`t=${timestamp}`, ...signatures, `v0=${randomBytes(32).toString('hex')}`].join(',')
}
