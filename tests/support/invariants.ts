import { expect } from 'vitest'
import type { Evidence } from './evidence.ts'
import { moneyViolations } from './invariants-money.ts'
import { secretViolations } from './invariants-secrets.ts'
import { smsViolations } from './invariants-sms.ts'
import { webhookViolations } from './invariants-webhooks.ts'
import type { Product } from './product.ts'
import { settled } from './settled.ts'

/**
 * Waits until nothing is under way, then holds all that happened against the invariants of
 * docs/decisions/019-simulation.md, over the database, what the emulated gateways saw, the log and Redis.
 */
export async function checkInvariants(product: Evidence): Promise<void> {
  await settled(product)
  const violations = [
    ...(await smsViolations(product)),
    ...(await moneyViolations(product)),
    ...(await webhookViolations(product)),
    ...(await secretViolations(product)),
  ]
  expect(violations).toEqual([])
}

/** Checks the invariants and closes the product, whatever they say. */
export async function closeChecked(product: Product): Promise<void> {
  try {
    await checkInvariants(product)
  } finally {
    await product.close()
  }
}
