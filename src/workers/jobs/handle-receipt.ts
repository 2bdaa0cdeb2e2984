import { InboxRow } from '../../db/entities/index.ts'
import { finishInboxRow, markFailed, UNMATCHED } from '../../db/inbox/inbox.ts'
import { findReceiptMessage } from '../../db/ledger/receipts.ts'
import { type DeliveryReceipt, readReceipt } from '../../domain/inbound.ts'
import { applyReceipt } from '../apply-receipt.ts'
import type { JobDeps } from '../deps.ts'
import { NotYetError } from '../errors.ts'
import { readCallback } from '../inbox-body.ts'
import { defineJob } from '../job.ts'
import { recordAndPublish } from '../record-and-publish.ts'

/** What the carrier says became of a message of ours. */
export const handleReceipt = defineJob({
  name: 'handle-receipt',

  async run(deps, { inbox_id }) {
    const row = await deps.em.findOne(InboxRow, { id: inbox_id })
    if (row?.status !== 'received') return
    const receipt = await readCallback(deps, row, readReceipt, 'unreadable_receipt')
    const message = await findReceiptMessage(deps.em.fork(), {
      gatewayId: receipt.id,
      reference: receipt.referenceId,
      receiver: receipt.receiver,
    })
    if (message === null) throw new NotYetError()
    const rejectReason = await rejectReasonOf(deps, receipt)
    await applyReceipt(deps, { messageId: message.id, gatewayId: receipt.id, letter: receipt.status, rejectReason })
    // A crash before this applies the receipt again, which changes nothing.
    await finishInboxRow(deps.em, inbox_id, 'received', receipt.status)
  },

  async onFailed(deps, { inbox_id }, code) {
    // Receipts of other systems' messages on the same account.
    if (code === NotYetError.CODE) return finishInboxRow(deps.em, inbox_id, 'received', UNMATCHED)
    await recordAndPublish(deps, (tx) => markFailed(tx, inbox_id, 'inbox_failed', code))
  },
})

/** Why a message was rejected: most receipts do not say, the gateway does when asked. */
async function rejectReasonOf(deps: JobDeps, { id, status, rejectReason }: DeliveryReceipt): Promise<string | null> {
  if (rejectReason !== null || status !== 'j') return rejectReason
  return (await deps.textmagic.getMessage(id))?.rejectReason ?? null
}
