import { OutboundMessage } from '../../db/entities/index.ts'
import { parkMessage } from '../../db/ledger/outcomes.ts'
import { deliver } from '../deliver.ts'
import type { JobDeps } from '../deps.ts'
import { defineJob } from '../job.ts'
import { recordAndPublish } from '../record-and-publish.ts'

/** Sends an unlock's teaser. */
export const sendTeaser = defineJob({
  name: 'send-teaser',

  async run(deps, { unlock_id }) {
    const message = await teaserOf(deps, unlock_id)
    if (message !== null) await deliver(deps, message)
  },

  async onFailed(deps, { unlock_id }, code) {
    const message = await teaserOf(deps, unlock_id)
    if (message === null) return
    await recordAndPublish(deps, (tx) => parkMessage(tx, message.id, code))
  },
})

function teaserOf(deps: JobDeps, unlockId: number): Promise<OutboundMessage | null> {
  return deps.em.findOne(OutboundMessage, { unlockId, purpose: 'teaser' })
}
