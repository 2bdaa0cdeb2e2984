import { UniqueConstraintViolationException } from '@mikro-orm/core'
import { Provider } from './entities/index.ts'
import { type EntityManager, inTransaction } from './orm.ts'

export type ProviderDetails = {
  name: string
  /** E.164: how their replies are recognised. */
  phone: string
  email: string | null
  timeZone: string | null
}

/** The phone number belongs to another provider: a reply from it must have one owner. */
export class PhoneTakenError extends Error {
  override readonly name = 'PhoneTakenError'
  readonly code = 'phone_taken'

  constructor() {
    super('the phone number belongs to another provider')
  }
}

/**
 * Stores a provider's details as a whole, new or in place of the old ones. A STOP stays in force: only the person can
 * take it back.
 *
 * @throws {PhoneTakenError}
 */
export async function putProvider(
  em: EntityManager,
  id: string,
  details: ProviderDetails,
): Promise<{ provider: Provider; created: boolean }> {
  try {
    return await write(em, id, details)
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error
  }
  // The number is taken: by another provider, or by the same one in a request that was a moment earlier.
  if ((await findProviderIdByPhone(em.fork(), details.phone)) !== id) throw new PhoneTakenError()
  return write(em, id, details)
}

function write(
  em: EntityManager,
  id: string,
  details: ProviderDetails,
): Promise<{ provider: Provider; created: boolean }> {
  return inTransaction(em, async (tx) => {
    const [row] = await tx.execute<{ created: boolean }[]>(
      `insert into providers (id, name, phone, email, time_zone) values (?, ?, ?, ?, ?)
       on conflict (id) do update set name = excluded.name, phone = excluded.phone, email = excluded.email,
         time_zone = excluded.time_zone, updated_at = app_now()
       returning (xmax = 0) as created`,
      [id, details.name, details.phone, details.email, details.timeZone],
    )
    return { provider: await tx.findOneOrFail(Provider, { id }), created: row?.created ?? false }
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

/** Providers in the order of their ids, from the one after `after`. */
export function listProviders(em: EntityManager, after: string | null, limit: number): Promise<Provider[]> {
  return em.find(Provider, after === null ? {} : { id: { $gt: after } }, { orderBy: { id: 'asc' }, limit })
}
