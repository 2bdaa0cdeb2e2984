import { OutboundMessage } from '../../db/entities/index.ts'
import { parkMessage } from '../../db/ledger.ts'
import { inTransaction } from '../../db/orm.ts'
import { deliver } from '../deliver.ts'
import type { JobDeps } from '../deps.ts'
import { defineJob } from '../job.ts'

/** Sends an unlock's teaser. */
export const sendTeaser = defineJob({
  name: 'send-teaser',

  async run(deps, { unlock_id }) {
    const messageId = await teaserOf(deps, unlock_id)
    if (messageId !== null) await deliver(deps, messageId)
  },

  async onFailed(deps, { unlock_id }, code) {
    const messageId = await teaserOf(deps, unlock_id)
    if (messageId === null) return
    await deps.publish(await inTransaction(deps.em, (tx) => parkMessage(tx, messageId, code)))
  },
})

async function teaserOf(deps: JobDeps, unlockId: number): Promise<number | null> {
  const message = await deps.em.findOne(OutboundMessage, { unlockId, purpose: 'teaser' })
  return message?.id ?? null
}
