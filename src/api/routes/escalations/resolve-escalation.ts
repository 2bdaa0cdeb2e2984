import { Type } from 'typebox'
import { resolveById } from '../../../db/escalation-desk.ts'
import { callerOf } from '../../auth/bearer.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { serialOf } from '../../ids.ts'
import { notFound, problemResponses } from '../../problem.ts'
import { EscalationSchema, escalationView } from './schemas.ts'

const schema = {
  tags: ['escalations'],
  summary: 'Record that an escalation is dealt with',
  description: 'Audited. One that is resolved already is answered as it is.',
  security: [{ apiKey: [] }],
  params: Type.Object({ id: Type.String({ description: 'A serial number' }) }),
  body: Type.Optional(
    Type.Object({ note: Type.Optional(Type.String({ maxLength: 2000 })) }, { additionalProperties: false }),
  ),
  response: {
    200: Type.Object({ escalation: EscalationSchema }),
    ...problemResponses(400, 401, 404, 413, 415, 429, 500, 503),
  },
}

/** POST /api/escalations/{id}/resolve */
export function resolveEscalation(app: App, { db }: ApiDeps): void {
  app.post('/escalations/:id/resolve', { schema }, async (request) => {
    const id = serialOf(request.params.id)
    const by = { keyName: callerOf(request), note: request.body?.note ?? null, requestId: request.id }
    const escalation = id === null ? null : await resolveById(db.em, id, by)
    if (escalation === null) throw notFound('escalation')
    return { escalation: escalationView(escalation) }
  })
}
