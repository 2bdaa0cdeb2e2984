import { expect, it } from 'vitest'
import { messageView } from '../../../src/api/routes/unlocks/schemas.ts'
import { PURPOSES } from '../../../src/domain/outbound.ts'

const at = new Date('2026-11-26T12:00:00Z')
const message: Parameters<typeof messageView>[0] = {
  id: 1,
  purpose: 'teaser',
  dedupeKey: 'teaser:1',
  unlockId: 1,
  providerId: 'provider60',
  inboxId: null,
  paymentLinkId: null,
  phone: '+13055550160',
  body: 'Phone: +13055550199',
  status: 'accepted',
  gatewayId: '49576009',
  deliveryStatus: null,
  rejectReason: null,
  attempts: 1,
  leaseUntil: null,
  claimedAt: null,
  nextAttemptAt: at,
  notBefore: null,
  errorCode: null,
  acceptedAt: at,
  finalAt: null,
  createdAt: at,
  dbNow: at,
}

it.each(PURPOSES)('of a %s is shown what it says, unless it holds locked fields', (purpose) => {
  expect(messageView({ ...message, purpose }).body).toBe(purpose === 'reveal' ? null : message.body)
})
