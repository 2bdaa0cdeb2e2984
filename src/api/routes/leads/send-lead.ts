import { Type } from 'typebox'
import { recordAudit } from '../../../db/access/audit.ts'
import { lockLeadForOffer, postedTerms } from '../../../db/leads/leads.ts'
import { inTransaction } from '../../../db/postgres/orm.ts'
import { actorOf } from '../../auth/caller.ts'
import { STAFF } from '../../auth/roles.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { BODY_LIMIT } from '../../limits.ts'
import { notFound, problemResponses } from '../../problem.ts'
import { OfferConfig, offerOrRefuse, providerIds, publishOffer, termsOf } from './offering.ts'
import { OfferedUnlockSchema, offeredUnlockView, SkippedSchema, skippedView } from './schemas.ts'

const schema = {
  tags: ['leads'],
  summary: 'Offer a stored lead to more providers',
  description:
    'Safe to repeat: a provider who has the lead already is skipped. The answer holds the new unlocks and who was skipped. ' +
    'What `config` does not name is as the lead was posted.',
  security: [{ apiKey: [] }],
  params: Type.Object({ id: Type.String() }),
  body: Type.Object(
    { provider_ids: providerIds(1), config: Type.Optional(OfferConfig) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({ unlocks: Type.Array(OfferedUnlockSchema), skipped: Type.Array(SkippedSchema) }),
    ...problemResponses(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503),
  },
}

/** POST /api/leads/{id}/send */
export function sendLead(app: App, { db, publisher, config }: ApiDeps): void {
  app.post('/leads/:id/send', { schema, config: STAFF, bodyLimit: BODY_LIMIT }, async (request) => {
    const { offer, terms } = await inTransaction(db.em, async (tx) => {
      const lead = await lockLeadForOffer(tx, request.params.id)
      if (lead === null) throw notFound('lead')
      const terms = termsOf(request.body.config, postedTerms(lead) ?? config.defaultTerms)
      await recordAudit(tx, { ...actorOf(request), action: 'lead.send', target: `lead:${lead.id}` })
      return { offer: await offerOrRefuse(tx, lead, request.body.provider_ids, terms, config.teasers), terms }
    })
    await publishOffer(publisher, offer.unlocks, terms, request.id)
    return { unlocks: offer.unlocks.map(offeredUnlockView), skipped: offer.skipped.map(skippedView) }
  })
}
