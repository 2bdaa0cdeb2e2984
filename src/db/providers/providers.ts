import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Due } from '../../domain/due.ts'
import { type Actor, recordAudit } from '../access/audit.ts'
import { Provider } from '../entities/index.ts'
import { wakeWaitingTeasers } from '../ledger/messages.ts'
import { type Condition, whereAll } from '../lists/listing.ts'
import { type EntityManager, inTransaction } from '../postgres/orm.ts'
import { lockNumbersToGive } from './stopped-numbers.ts'
import { unsubscribeStoppedNumbers } from './subscriptions.ts'

export type ProviderDetails = {
  name: string
  /** E.164: how their replies are recognised. */
  phone: string
  email: string | null
  timeZone: string | null
}

export type StoredProvider = { provider: Provider; created: boolean; due: Due[] }

/** The phone number belongs to another provider: a reply from it must have one owner. */
export class PhoneTakenError extends Error {
  override readonly name = 'PhoneTakenError'
  readonly code = 'phone_taken'

  constructor() {
    super('the phone number belongs to another provider')
  }
}

/**
 * Stores a provider's details as a whole, new or in place of the old ones, audited in the same transaction. A STOP stays
 * in force, with the provider and with the number that said it: only the person can take it back.
 *
 * @returns also what is due after the commit
 * @throws {PhoneTakenError}
 */
export async function putProvider(
  em: EntityManager,
  id: string,
  details: ProviderDetails,
  by: Actor,
): Promise<StoredProvider> {
  try {
    return await write(em, id, details, by)
  } catch (error) {
    throw error instanceof UniqueConstraintViolationException ? new PhoneTakenError() : error
  }
}

function write(em: EntityManager, id: string, details: ProviderDetails, by: Actor): Promise<StoredProvider> {
  return inTransaction(em, async (tx) => {
    await lockNumbersToGive(tx)
    const [before] = await tx.execute<{ phone: string; time_zone: string | null }[]>(
      'select phone, time_zone from providers where id = ?',
      [id],
    )
    const [row] = await tx.execute<{ created: boolean }[]>(
      `insert into providers (id, name, phone, email, time_zone) values (?, ?, ?, ?, ?)
       on conflict (id) do update set name = excluded.name, phone = excluded.phone, email = excluded.email,
         time_zone = excluded.time_zone, updated_at = app_now()
       returning (xmax = 0) as created`,
      [id, details.name, details.phone, details.email, details.timeZone],
    )
    await recordAudit(tx, { ...by, action: 'provider.put', target: `provider:${id}` })
    const due = before?.phone === details.phone ? [] : await unsubscribeStoppedNumbers(tx, [id])
    if (before !== undefined && before.time_zone !== details.timeZone) due.push(...(await wakeWaitingTeasers(tx, [id])))
    return { provider: await tx.findOneOrFail(Provider, { id }), created: row?.created ?? false, due }
  })
}

export function findProvider(em: EntityManager, id: string): Promise<Provider | null> {
  return em.findOne(Provider, { id })
}

/** @param phone E.164 */
export async function findProviderIdByPhone(em: EntityManager, phone: string): Promise<string | null> {
  const [row] = await em.execute<{ id: string }[]>('select id from providers where phone = ?', [phone])
  return row?.id ?? null
}

/**
 * Providers in the order of their ids, from the one after `after`.
 *
 * @param search the beginning of their id, of their phone number (with or without its country code, however it is
 *   written) or of a word of their name, in any case; all providers when absent
 */
export async function listProviders(
  em: EntityManager,
  search: string | undefined,
  after: string | null,
  limit: number,
): Promise<Provider[]> {
  const { where, values } = whereAll([
    after === null ? null : ['id > ?', after],
    search === undefined ? null : beginsWith(search),
  ])
  const rows = await em.execute<{ id: string }[]>(`select id from providers ${where} order by id limit ?`, [
    ...values,
    limit,
  ])
  return em.find(Provider, { id: { $in: rows.map(({ id }) => id) } }, { orderBy: { id: 'asc' } })
}

function beginsWith(search: string): Condition {
  // A + arrives as a space where it was not escaped in the query.
  const digits = /^[+\d\s().-]+$/.test(search) ? search.replace(/\D/g, '') : ''
  const byText = "starts_with(lower(id), lower(?)) or position(lower(' ' || ?) in lower(' ' || name)) > 0"
  if (digits === '') return [byText, search, search]
  return [`${byText} or starts_with(phone, ?) or starts_with(phone, ?)`, search, search, `+${digits}`, `+1${digits}`]
}
