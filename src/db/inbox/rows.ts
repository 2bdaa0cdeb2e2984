import { GRACE_MS } from '../due/parking.ts'
import type { InboxStatus } from '../entities/inbox-row.ts'
import type { EntityManager } from '../postgres/orm.ts'
import type { InboxSource } from './sources.ts'

/** A row of the inbox that may be there already. */
export type NewInboxRow = {
  source: InboxSource
  externalId: string
  contentType: string
  sealedBody: string
  status: InboxStatus
  outcome: string | null
  sentAt: Date | null
  /** E.164; the row then names the provider with this number. */
  senderPhone: string | null
  requestId: string | null
}

/** What stands in the inbox for one that was to be inserted. */
export type KeptInboxRow = {
  id: number
  status: InboxStatus
  /** It was there before. */
  duplicate: boolean
}

type Found = { id: string; source: string; external_id: string; status: InboxStatus }

/**
 * Inserts rows in one statement, which is its own transaction when there is none: an answer to a gateway waits for as
 * little as possible. Their ids are in the order of the rows.
 *
 * @returns for each row, in the same order, what is kept of it
 */
export async function insertInboxRows(em: EntityManager, rows: readonly NewInboxRow[]): Promise<KeptInboxRow[]> {
  const inserted = await em.execute<Found[]>(INSERT, [GRACE_MS / 1000, JSON.stringify(rows)])
  const fresh = new Map(inserted.map((row) => [keyOf(row.source, row.external_id), row]))
  const known = fresh.size < rows.length ? await findInboxRows(em, rows) : new Map<string, Found>()
  return rows.map(({ source, externalId }) => {
    const key = keyOf(source, externalId)
    const row = fresh.get(key) ?? known.get(key)
    if (row === undefined) throw new Error('an inbox row vanished between the insert and the look-up')
    // Of two alike only the first is new.
    return { id: Number(row.id), status: row.status, duplicate: !fresh.delete(key) }
  })
}

/** The same for one row. */
export async function insertInboxRow(em: EntityManager, row: NewInboxRow): Promise<KeptInboxRow> {
  const [kept] = await insertInboxRows(em, [row])
  if (kept === undefined) throw new Error('an insert of one row answered for none')
  return kept
}

const INSERT = `
  insert into webhook_inbox (source, external_id, content_type, sealed_body, status, outcome, sent_at, provider_id,
    request_id, next_attempt_at)
  select source, "externalId", "contentType", "sealedBody", status, outcome, least("sentAt", app_now()),
    (select id from providers where phone = "senderPhone"), "requestId", app_now() + make_interval(secs => ?)
  from json_to_recordset(?) as given (source text, "externalId" text, "contentType" text, "sealedBody" text, status text,
    outcome text, "sentAt" timestamptz, "senderPhone" text, "requestId" text)
  on conflict (source, external_id) do nothing returning id, source, external_id, status`

async function findInboxRows(em: EntityManager, rows: readonly NewInboxRow[]): Promise<Map<string, Found>> {
  const keys = rows.map(({ source, externalId }) => ({ source, externalId }))
  const found = await em.execute<Found[]>(
    `select id, source, external_id, status from webhook_inbox
     where (source, external_id) in (
       select source, "externalId" from json_to_recordset(?) as given (source text, "externalId" text))`,
    [JSON.stringify(keys)],
  )
  return new Map(found.map((row) => [keyOf(row.source, row.external_id), row]))
}

function keyOf(source: string, externalId: string): string {
  return `${source}:${externalId}`
}
