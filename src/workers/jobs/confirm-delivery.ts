import { applyEvent } from '../../db/apply-event.ts'
import { OutboundMessage, Unlock } from '../../db/entities/index.ts'
import { recordNothingUnderWay } from '../../db/lost-details.ts'
import { isUnsent } from '../../db/messages.ts'
import { inTransaction } from '../../db/orm.ts'
import { receiptOutcome } from '../../domain/outbound.ts'
import { applyReceipt } from '../apply-receipt.ts'
import type { JobDeps } from '../deps.ts'
import { RetryLater } from '../errors.ts'
import { defineJob } from '../job.ts'

/** Until the next look after the gateway could not be asked, or while the details are being sent again, minutes. */
const POSTPONE_MINUTES = 10

/** Asks the gateway what became of a reveal for which no receipt came. No failure reported counts as delivered (design §3). */
export const confirmDelivery = defineJob({
  name: 'confirm-delivery',

  async run(deps, { unlock_id }) {
    const unlock = await deps.em.findOne(Unlock, { id: unlock_id })
    if (unlock?.status !== 'REVEAL_DETAILS_SENT' || unlock.revealConfirmAt == null) return
    const early = unlock.revealConfirmAt.getTime() - unlock.dbNow.getTime()
    if (early > 0) throw new RetryLater(early)
    const reveals = await deps.em.find(
      OutboundMessage,
      { unlockId: unlock_id, purpose: 'reveal' },
      { orderBy: { id: 'desc' } },
    )
    const accepted = reveals.find(({ status }) => status === 'accepted')
    if (reveals.some(({ status }) => status === 'delivered')) await confirm(deps, unlock_id, 'delivered')
    // It is due by itself, or waits for a person.
    else if (reveals.some(({ status }) => isUnsent(status))) await postpone(deps, unlock_id)
    else if (accepted !== undefined) await ask(deps, accepted)
    else await deps.publish(await inTransaction(deps.em, (tx) => recordNothingUnderWay(tx, unlock_id)))
  },

  async onFailed(deps, { unlock_id }) {
    await postpone(deps, unlock_id)
  },
})

async function postpone(deps: JobDeps, unlockId: number): Promise<void> {
  await deps.em.execute(
    `update lead_unlocks set reveal_confirm_at = app_now() + make_interval(mins => ?)
     where id = ? and status = 'REVEAL_DETAILS_SENT' and reveal_confirm_at is not null`,
    [POSTPONE_MINUTES, unlockId],
  )
}

async function ask(deps: JobDeps, message: OutboundMessage): Promise<void> {
  const answer = message.gatewayId == null ? null : await deps.textmagic.getMessage(message.gatewayId)
  if (answer !== null && receiptOutcome(answer.status) !== 'on_the_way') {
    const { status, rejectReason } = answer
    await applyReceipt(deps, {
      messageId: message.id,
      gatewayId: message.gatewayId ?? null,
      letter: status,
      rejectReason,
    })
  } else if (message.unlockId != null) {
    await confirm(deps, message.unlockId, 'no failure reported')
  }
}

async function confirm(deps: JobDeps, unlockId: number, cause: string): Promise<void> {
  const event = { type: 'reveal_confirmed' } as const
  const { due } = await inTransaction(deps.em, (tx) => applyEvent(tx, unlockId, event, cause, deps.effects))
  await deps.publish(due)
}
