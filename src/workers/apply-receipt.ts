import { OutboundMessage } from '../db/entities/index.ts'
import { inTransaction } from '../db/orm.ts'
import { type Receipt, recordReceipt } from '../db/receipts.ts'
import { lockProvider, unsubscribe } from '../db/subscriptions.ts'
import type { JobDeps } from './deps.ts'

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
    const message = await tx.findOneOrFail(OutboundMessage, { id: messageId })
    const provider = message.providerId == null ? null : await lockProvider(tx, message.providerId)
    if (provider === null || provider.optedOutAt != null) return []
    // What the gateway knew when it took the message: a START since then counts more.
    const at = message.acceptedAt ?? message.createdAt
    const { brand } = deps.settings
    return unsubscribe(tx, provider, at, { confirm: false, tellGateway: false, brand, context: deps.effects })
  })
  await deps.publish(due)
}
