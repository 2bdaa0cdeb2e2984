import { type Static, Type } from 'typebox'
import type { AuditEntry } from '../../../db/entities/index.ts'
import { listAudit as findEntries } from '../../../db/lists/audit-list.ts'
import { ROLES } from '../../../domain/roles.ts'
import { ADMIN_ONLY } from '../../auth/roles.ts'
import { DEFAULT_LIMIT, decodeCursor, nextCursor, pageOf, pageQuery } from '../../cursor.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { Timestamp } from '../../fields.ts'
import { problemResponses } from '../../problem.ts'
import { parseFrom, parseTo, TimeBound } from '../../time.ts'

/** The id of the last entry of a page. */
const Position = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

const EntrySchema = Type.Object({
  id: Type.Integer(),
  at: Timestamp,
  key_name: Type.String({
    description:
      'A key of `npm run keys`; `admin` or `operator`: those of the environment; `cli`: the command line; `retention`: ' +
      'the job that erases what is old',
  }),
  role: Type.Union([Type.Enum([...ROLES]), Type.Null()], { description: 'Null where there is no key' }),
  action: Type.String({ description: 'Such as lead.read_locked' }),
  target: Type.String({ description: 'Such as lead:lead_abc12345' }),
  request_id: Type.Union([Type.String(), Type.Null()], {
    description: 'The x-request-id of the answer, and of the log',
  }),
})

const schema = {
  tags: ['audit'],
  summary: 'Who did what, newest first',
  description:
    'Every action under /api, on the queue board and of the key command, and every reading of locked fields. Nothing ' +
    'can be changed or deleted here: the database refuses it. Pages stay as they are while new entries arrive.',
  security: [{ apiKey: [] }],
  querystring: Type.Object(
    {
      key_name: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      action: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      target: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      from: Type.Optional({ ...TimeBound, description: 'Inclusive' }),
      to: Type.Optional({ ...TimeBound, description: 'Exclusive' }),
      ...pageQuery,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({ entries: Type.Array(EntrySchema), next_cursor: nextCursor }),
    ...problemResponses(400, 401, 403, 429, 500, 503),
  },
}

/** GET /api/audit */
export function listAudit(app: App, { db }: ApiDeps): void {
  app.get('/audit', { schema, config: ADMIN_ONLY }, async (request) => {
    const { key_name, action, target, from, to, cursor, limit = DEFAULT_LIMIT } = request.query
    const filter = { keyName: key_name, action, target, from: parseFrom(from, 'from'), to: parseTo(to, 'to') }
    const found = await findEntries(db.em.fork(), filter, decodeCursor(Position, cursor), limit + 1)
    const { page, next_cursor } = pageOf(found, limit, ({ id }) => id)
    return { entries: page.map(entryView), next_cursor }
  })
}

function entryView(entry: AuditEntry): Static<typeof EntrySchema> {
  return {
    id: entry.id,
    at: entry.at.toISOString(),
    key_name: entry.keyName,
    role: entry.role ?? null,
    action: entry.action,
    target: entry.target,
    request_id: entry.requestId ?? null,
  }
}
