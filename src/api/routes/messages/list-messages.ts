import { Type } from 'typebox'
import { listMessages as findMessages } from '../../../db/lists/message-list.ts'
import { MESSAGE_STATUSES, PURPOSES } from '../../../domain/outbound.ts'
import { STAFF } from '../../auth/roles.ts'
import { DEFAULT_LIMIT, decodeCursor, nextCursor, pageOf, pageQuery } from '../../cursor.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { NullableText } from '../../fields.ts'
import { Serial } from '../../ids.ts'
import { problemResponses } from '../../problem.ts'
import { MessageSchema, messageView } from '../unlocks/schemas.ts'

const ListedMessage = Type.Object({
  ...MessageSchema.properties,
  unlock_id: Type.Union([Type.Integer(), Type.Null()]),
  provider_id: NullableText,
})

const schema = {
  tags: ['messages'],
  summary: 'Messages, newest first',
  description:
    'Every SMS we sent or mean to send. Pages stay as they are while new messages arrive. The body of a reveal, which ' +
    'alone holds locked fields, is never shown.',
  security: [{ apiKey: [] }],
  querystring: Type.Object(
    {
      provider_id: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      unlock_id: Type.Optional(Serial),
      purpose: Type.Optional(Type.Enum([...PURPOSES])),
      status: Type.Optional(Type.Enum([...MESSAGE_STATUSES])),
      ...pageQuery,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({ messages: Type.Array(ListedMessage), next_cursor: nextCursor }),
    ...problemResponses(400, 401, 403, 429, 500, 503),
  },
}

/** GET /api/messages */
export function listMessages(app: App, { db }: ApiDeps): void {
  app.get('/messages', { schema, config: STAFF }, async (request) => {
    const { provider_id, unlock_id, purpose, status, cursor, limit = DEFAULT_LIMIT } = request.query
    const filter = { providerId: provider_id?.trim(), unlockId: unlock_id, purpose, status }
    const found = await findMessages(db.em.fork(), filter, decodeCursor(Serial, cursor), limit + 1)
    const { page, next_cursor } = pageOf(found, limit, ({ id }) => id)
    const messages = page.map((message) => ({
      ...messageView(message),
      unlock_id: message.unlockId ?? null,
      provider_id: message.providerId ?? null,
    }))
    return { messages, next_cursor }
  })
}
