import { type OutboundMessage, Provider, Unlock } from '../../db/entities/index.ts'
import { addReveal } from '../../db/ledger/messages.ts'
import { inTransaction } from '../../db/postgres/orm.ts'
import { applyEvent, lockUnlock } from '../../db/unlocks/apply-event.ts'
import { deliver } from '../deliver.ts'
import type { JobDeps } from '../deps.ts'
import { defineJob } from '../job.ts'
import { leaveToPerson } from '../leave-to-person.ts'
import { recordAndPublish } from '../record-and-publish.ts'
import { unsentMessages } from '../unsent-messages.ts'

/** Sends the contact details that were paid for: the first time, and again when asked for or when the carrier lost them. */
export const reveal = defineJob({
  name: 'reveal',

  async run(deps, { unlock_id }) {
    for (const message of await revealsDue(deps, unlock_id)) {
      const status = await deliver(deps, message)
      if (status === 'cancelled') await giveBackAfterStop(deps, unlock_id)
    }
  },

  async onFailed(deps, { unlock_id }, code) {
    const summary = `The details of unlock ${unlock_id} could not be sent (${code}).`
    await leaveToPerson(deps, unlock_id, code, { purpose: 'reveal', dueIn: ['PAID'], kind: 'reveal_failed', summary })
  },
})

/** The reveals to send now; an unlock that is PAID always has one. */
async function revealsDue(deps: JobDeps, unlockId: number): Promise<OutboundMessage[]> {
  const due = await unsentMessages(deps, unlockId, 'reveal')
  if (due.length > 0) return due
  await inTransaction(deps.em, async (tx) => {
    const unlock = await lockUnlock(tx, unlockId)
    if (unlock?.status === 'PAID') await addReveal(tx, unlock)
  })
  return unsentMessages(deps, unlockId, 'reveal')
}

/** The provider opted out before the details could go: they get their money back instead. */
async function giveBackAfterStop(deps: JobDeps, unlockId: number): Promise<void> {
  const unlock = await deps.em.fork().findOneOrFail(Unlock, { id: unlockId })
  const provider = await deps.em.fork().findOneOrFail(Provider, { id: unlock.providerId })
  if (provider.optedOutAt == null) return
  await recordAndPublish(deps, async (tx) => (await applyEvent(tx, unlockId, { type: 'stop' }, 'stop')).due)
}
