import { Type } from 'typebox'
import { recordAudit } from '../../../db/access/audit.ts'
import { findLead, openLockedFields } from '../../../db/leads/leads.ts'
import { unlocksOfLead } from '../../../db/lists/unlock-list.ts'
import { actorOf, callerOf } from '../../auth/caller.ts'
import { STAFF } from '../../auth/roles.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { notFound, ProblemError, problemResponses } from '../../problem.ts'
import {
  LeadWithLockedFieldsSchema,
  leadView,
  lockedFieldsView,
  OfferedUnlockSchema,
  offeredUnlockView,
} from './schemas.ts'

const schema = {
  tags: ['leads'],
  summary: 'A lead and its unlocks',
  description:
    'The locked fields (client_name, client_phone, client_email, exact_address) are part of the answer only with ' +
    '`include_locked=true` and an admin key; each time is written to the audit log. They are null once they were erased, ' +
    'and `contact_erased_at` says when.',
  security: [{ apiKey: [] }],
  params: Type.Object({ id: Type.String() }),
  querystring: Type.Object({ include_locked: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
  response: {
    200: Type.Object({ lead: LeadWithLockedFieldsSchema, unlocks: Type.Array(OfferedUnlockSchema) }),
    ...problemResponses(400, 401, 403, 404, 429, 500, 503),
  },
}

/** GET /api/leads/{id} */
export function getLead(app: App, { db, sealer }: ApiDeps): void {
  app.get('/leads/:id', { schema, config: STAFF }, async (request) => {
    const locked = request.query.include_locked === true
    if (locked && callerOf(request).role !== 'admin')
      throw new ProblemError('forbidden', 'Locked fields are for admin keys')
    const em = db.em.fork()
    const lead = await findLead(em, request.params.id)
    if (lead === null) throw notFound('lead')
    const unlocks = (await unlocksOfLead(em, lead.id)).map(offeredUnlockView)
    if (!locked) return { lead: leadView(lead), unlocks }
    await recordAudit(em, { ...actorOf(request), action: 'lead.read_locked', target: `lead:${lead.id}` })
    return { lead: { ...leadView(lead), ...lockedFieldsView(openLockedFields(sealer, lead)) }, unlocks }
  })
}
