import { InboxRow } from '../../db/entities/index.ts'
import { finishInboxRow, markFailed } from '../../db/inbox/inbox.ts'
import { openBody } from '../inbox-body.ts'
import { defineJob } from '../job.ts'
import { recordAndPublish } from '../record-and-publish.ts'

/** Passes a message that is not about a lead to the booking and support system, byte for byte as it came in. */
export const forwardMessage = defineJob({
  name: 'forward-message',

  async run(deps, { inbox_id }) {
    const row = await deps.em.findOne(InboxRow, { id: inbox_id })
    if (row?.status !== 'forwarding') return
    const { fallbackUrl } = deps.settings
    if (fallbackUrl !== null) {
      const body = openBody(deps, row)
      await deps.post.forward(fallbackUrl, { body, contentType: row.contentType })
    }
    // A crash before this forwards again: the receiver dedupes on the message id it carries.
    await finishInboxRow(deps.em, inbox_id, 'forwarding', fallbackUrl === null ? 'nowhere_to_forward' : 'forwarded')
  },

  async onFailed(deps, { inbox_id }, code) {
    await recordAndPublish(deps, (tx) => markFailed(tx, inbox_id, 'forward_failed', code))
  },
})
