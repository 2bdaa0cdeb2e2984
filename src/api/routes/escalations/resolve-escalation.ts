import { Type } from 'typebox'
import { resolveById } from '../../../db/escalations/desk.ts'
import { actorOf } from '../../auth/caller.ts'
import { STAFF } from '../../auth/roles.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { serialOf } from '../../ids.ts'
import { notFound, problemResponses } from '../../problem.ts'
import { EscalationSchema, escalationView } from './schemas.ts'

const MAX_NOTE = 2_000
/** Such a note with every character escaped, twelve bytes each, and what is around it. */
const MAX_BODY_BYTES = 32 * 1024

const schema = {
  tags: ['escalations'],
  summary: 'Record that an escalation is dealt with',
  description: 'Audited. One that is resolved already keeps by whom and when; a note is added to what it has.',
  security: [{ apiKey: [] }],
  params: Type.Object({ id: Type.String({ description: 'A serial number' }) }),
  body: Type.Optional(
    Type.Object({ note: Type.Optional(Type.String({ maxLength: MAX_NOTE })) }, { additionalProperties: false }),
  ),
  response: {
    200: Type.Object({ escalation: EscalationSchema }),
    ...problemResponses(400, 401, 403, 404, 413, 415, 429, 500, 503),
  },
}

/** POST /api/escalations/{id}/resolve */
export function resolveEscalation(app: App, { db }: ApiDeps): void {
  app.post('/escalations/:id/resolve', { schema, config: STAFF, bodyLimit: MAX_BODY_BYTES }, async (request) => {
    const id = serialOf(request.params.id)
    const note = request.body?.note ?? null
    const escalation = id === null ? null : await resolveById(db.em, id, actorOf(request), note)
    if (escalation === null) throw notFound('escalation')
    return { escalation: escalationView(escalation) }
  })
}
