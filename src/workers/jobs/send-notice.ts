import { OutboundMessage } from '../../db/entities/index.ts'
import { parkMessage } from '../../db/ledger/outcomes.ts'
import { deliver } from '../deliver.ts'
import { defineJob } from '../job.ts'
import { recordAndPublish } from '../record-and-publish.ts'

/** Sends an SMS that moves nothing: an answer to a reply, a confirmation. */
export const sendNotice = defineJob({
  name: 'send-notice',

  async run(deps, { message_id }) {
    const message = await deps.em.findOne(OutboundMessage, { id: message_id })
    if (message !== null) await deliver(deps, message)
  },

  async onFailed(deps, { message_id }, code) {
    await recordAndPublish(deps, (tx) => parkMessage(tx, message_id, code))
  },
})
