import { OutboundMessage } from '../db/entities/index.ts'
import { inTransaction } from '../db/orm.ts'
import { findProviderIdByPhone } from '../db/providers.ts'
import { type Receipt, recordReceipt } from '../db/receipts.ts'
import { lockNumbersForStop, rememberStop } from '../db/stopped-numbers.ts'
import { lockProvider, unsubscribe } from '../db/subscriptions.ts'
import type { JobDeps } from './deps.ts'

/**
 * The gateway tells the time of a text in whole seconds, rounded down. The block was there at the earliest when the rejected
 * message was claimed: a START that may have been sent after that counts more, and if it did not lift the block, the
 * next message tells.
 */
const TEXT_TIME_PRECISION_MS = 1_000

/** Why a message was rejected: a receipt does not say, the gateway does when asked. */
export async function rejectReasonOf(deps: JobDeps, gatewayId: string, letter: string): Promise<string | null> {
  if (letter !== 'j') return null
  return (await deps.textmagic.getMessage(gatewayId))?.rejectReason ?? null
}

/** Records a receipt; a number that the gateway has unsubscribed is unsubscribed here too, without a word to it. */
export async function applyReceipt(deps: JobDeps, receipt: Receipt): Promise<void> {
  const { due, unsubscribed } = await inTransaction(deps.em, (tx) => recordReceipt(tx, receipt, deps.effects))
  await deps.publish(due)
  if (unsubscribed) await onUnsubscribedNumber(deps, receipt.messageId)
}

async function onUnsubscribedNumber(deps: JobDeps, messageId: number): Promise<void> {
  const due = await inTransaction(deps.em, async (tx) => {
    const { phone, claimedAt, createdAt } = await tx.findOneOrFail(OutboundMessage, { id: messageId })
    const at = new Date((claimedAt ?? createdAt).getTime() - TEXT_TIME_PRECISION_MS)
    await lockNumbersForStop(tx)
    // The number may have another owner by now than when it was texted.
    const ownerId = await findProviderIdByPhone(tx, phone)
    const owner = ownerId === null ? null : await lockProvider(tx, ownerId)
    if (owner === null || owner.optedOutAt != null) {
      await rememberStop(tx, phone, at)
      return []
    }
    const { brand } = deps.settings
    return unsubscribe(tx, owner, at, {
      phone,
      confirm: false,
      tellGateway: false,
      brand,
      context: deps.effects,
    })
  })
  await deps.publish(due)
}
