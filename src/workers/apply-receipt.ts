import { OutboundMessage, type Provider } from '../db/entities/index.ts'
import { type Receipt, recordReceipt } from '../db/ledger/receipts.ts'
import { type EntityManager, inTransaction } from '../db/postgres/orm.ts'
import { findProviderIdByPhone } from '../db/providers/providers.ts'
import { lockNumbersForStop, rememberStop } from '../db/providers/stopped-numbers.ts'
import { lockProvider, unsubscribe } from '../db/providers/subscriptions.ts'
import type { Due } from '../domain/due.ts'
import { saysUnsubscribed } from '../domain/outbound.ts'
import type { JobDeps } from './deps.ts'

/**
 * The gateway tells the time of a text in whole seconds, rounded down. The block was there at the earliest when the rejected
 * message was claimed: a START that may have been sent after that counts more, and if it did not lift the block, the
 * next message tells.
 */
const TEXT_TIME_PRECISION_MS = 1_000

/**
 * Records a receipt; a number that the gateway has unsubscribed is unsubscribed here too, without a word to it. In one
 * transaction: nobody asks about this message again once its end is recorded.
 */
export async function applyReceipt(deps: JobDeps, receipt: Receipt): Promise<void> {
  const { due, ended } = await inTransaction(deps.em, async (tx) => {
    const number = saysUnsubscribed(receipt) ? await lockNumber(tx, receipt.messageId) : null
    const { due, unsubscribed, ended } = await recordReceipt(tx, receipt, deps.settings.revealConfirmMinutes)
    if (number !== null && unsubscribed) due.push(...(await unsubscribeNumber(tx, deps, number)))
    return { due, ended }
  })
  if (ended !== null) deps.metrics.deliveries.ended(ended.purpose, ended.outcome)
  await deps.publish(due)
}

type TextedNumber = { phone: string; owner: Provider | null; at: Date }

/** Providers are locked before unlocks and messages. */
async function lockNumber(tx: EntityManager, messageId: number): Promise<TextedNumber> {
  const { phone, claimedAt, createdAt } = await tx.findOneOrFail(OutboundMessage, { id: messageId })
  await lockNumbersForStop(tx)
  // The number may have another owner by now than when it was texted.
  const ownerId = await findProviderIdByPhone(tx, phone)
  const owner = ownerId === null ? null : await lockProvider(tx, ownerId)
  return { phone, owner, at: new Date((claimedAt ?? createdAt).getTime() - TEXT_TIME_PRECISION_MS) }
}

async function unsubscribeNumber(tx: EntityManager, deps: JobDeps, { phone, owner, at }: TextedNumber): Promise<Due[]> {
  if (owner === null || owner.optedOutAt != null) {
    await rememberStop(tx, phone, at)
    return []
  }
  const { brand } = deps.settings
  return unsubscribe(tx, owner, at, { phone, confirm: false, tellGateway: false, brand })
}
