import { Type } from 'typebox'
import { eraseContact as eraseContactOf } from '../../../db/erasure/erasure.ts'
import { actorOf } from '../../auth/caller.ts'
import { ADMIN_ONLY } from '../../auth/roles.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { notFound, problemResponses } from '../../problem.ts'

const schema = {
  tags: ['leads'],
  summary: 'Erase the contact details of a lead',
  description:
    'At once and for good: the locked fields, the notes, and what may quote them. Refused while the lead is on offer, ' +
    'details are paid for and on their way or wait for a person, or a payment link is not closed yet. Audited. ' +
    'Repeating it changes nothing more.',
  security: [{ apiKey: [] }],
  params: Type.Object({ id: Type.String() }),
  response: {
    204: Type.Null({ description: 'They are erased' }),
    ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 500, 503),
  },
}

/** DELETE /api/leads/{id}/contact */
export function eraseContact(app: App, { db }: ApiDeps): void {
  app.delete('/leads/:id/contact', { schema, config: ADMIN_ONLY }, async (request, reply) => {
    const found = await eraseContactOf(db.em, request.params.id, actorOf(request))
    if (!found) throw notFound('lead')
    // Also for whoever restores a backup of before: it has the details back, and not this entry of the audit log.
    request.log.info({ operation: 'erase-contact', lead_id: request.params.id }, 'contact details erased')
    return reply.code(204).send(null)
  })
}
