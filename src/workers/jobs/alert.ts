import { Escalation } from '../../db/entities/index.ts'
import { defineJob } from '../job.ts'

/** Tells the operators of an escalation, once. Without an alert URL the log is the alert. */
export const alert = defineJob({
  name: 'alert',

  async run(deps, { escalation_id }) {
    const escalation = await deps.em.findOne(Escalation, { id: escalation_id })
    if (escalation === null || escalation.alertedAt != null || escalation.resolvedAt != null) return
    const { alertUrl } = deps.settings
    const text = `[${escalation.kind}] ${escalation.summary} (escalation ${escalation.id})`
    if (alertUrl === null) deps.log.error({ escalation_id, reason: escalation.kind }, 'escalation opened')
    else await deps.post.postJson(alertUrl, { text })
    await deps.em.execute('update escalations set alerted_at = app_now() where id = ?', [escalation_id])
  },

  async onFailed(deps, { escalation_id }, code) {
    // Nobody is left to tell but the log; the sweep tries again later.
    deps.log.error({ escalation_id, error_code: code }, 'alert could not be delivered')
  },
})
