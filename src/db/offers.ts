import { offerAllowedAt, type QuietPolicy } from '../domain/quiet-hours.ts'
import { fitsOneMessage } from '../domain/sms-encoding.ts'
import { teaserText } from '../domain/texts.ts'
import { type Lead, Provider, Unlock } from './entities/index.ts'
import { addMessage } from './messages.ts'
import type { EntityManager } from './orm.ts'

export type OfferTerms = {
  priceCents: number
  currency: string
  /** Hours from now on that the offer stands; may be a fraction. */
  ttlHours: number
}

/** How teasers are sent. */
export type TeaserPolicy = { quiet: QuietPolicy }

export type SkippedProvider = { providerId: string; reason: 'opted_out' | 'already_sent' }

export type Offer = {
  /** The new unlocks, in the order their providers were named. */
  unlocks: Unlock[]
  skipped: SkippedProvider[]
}

/** Some of the providers do not exist; nothing was offered to any. */
export class UnknownProvidersError extends Error {
  override readonly name = 'UnknownProvidersError'
  readonly code = 'unknown_provider'
  readonly providerIds: readonly string[]

  constructor(providerIds: readonly string[]) {
    super('unknown provider')
    this.providerIds = providerIds
  }
}

/** The SMS gateway would refuse the teaser for ever. */
export class TeaserTooLongError extends Error {
  override readonly name = 'TeaserTooLongError'
  readonly code = 'teaser_too_long'
}

/**
 * Offers a lead to providers: an unlock and a teaser on the ledger for each who is subscribed and does not have it yet.
 * All or nothing in the caller's transaction; wake up the teasers and the expiry after the commit. A teaser in its
 * receiver's quiet hours waits for their end, however short the time to live is.
 *
 * @param providerIds each once
 * @throws {UnknownProvidersError}
 * @throws {TeaserTooLongError}
 */
export async function offerLead(
  tx: EntityManager,
  lead: Lead,
  providerIds: readonly string[],
  terms: OfferTerms,
  policy: TeaserPolicy,
): Promise<Offer> {
  if (providerIds.length === 0) return { unlocks: [], skipped: [] }
  const providers = await lockReceivers(tx, providerIds)
  const unknown = providerIds.filter((id) => !providers.has(id))
  if (unknown.length > 0) throw new UnknownProvidersError(unknown)

  const added = await insertUnlocks(tx, lead.id, [...providers.values()], terms)
  const offer: Offer = { unlocks: [], skipped: [] }
  for (const providerId of providerIds) {
    const unlock = added.get(providerId)
    const provider = providers.get(providerId)
    if (unlock === undefined || provider === undefined) {
      offer.skipped.push({ providerId, reason: provider?.optedOutAt == null ? 'already_sent' : 'opted_out' })
      continue
    }
    await addTeaser(tx, lead, provider, unlock, policy)
    offer.unlocks.push(unlock)
  }
  return offer
}

/**
 * Share-locks the providers in one order: a STOP that arrives now waits for our commit, and then finds the new unlock to
 * close it.
 */
async function lockReceivers(tx: EntityManager, ids: readonly string[]): Promise<Map<string, Provider>> {
  await tx.execute('select 1 from providers where id in (?) order by id for share', [[...ids]])
  const providers = await tx.find(Provider, { id: { $in: [...ids] } }, { refresh: true })
  return new Map(providers.map((provider) => [provider.id, provider]))
}

/** One insert in id order, so that two requests for the same providers wait for each other instead of deadlocking. */
async function insertUnlocks(
  tx: EntityManager,
  leadId: string,
  providers: readonly Provider[],
  terms: OfferTerms,
): Promise<Map<string, Unlock>> {
  const subscribed = providers.filter(({ optedOutAt }) => optedOutAt == null).map(({ id }) => id)
  if (subscribed.length === 0) return new Map()
  const rows = await tx.execute<{ id: number }[]>(
    `insert into lead_unlocks (lead_id, provider_id, price_cents, currency, ttl_expires_at)
     select ?, id, ?, ?, app_now() + make_interval(secs => ?) from providers where id in (?) order by id
     on conflict (lead_id, provider_id) do nothing returning id`,
    [leadId, terms.priceCents, terms.currency, terms.ttlHours * 3600, subscribed],
  )
  const unlocks = await tx.find(Unlock, { id: { $in: rows.map(({ id }) => id) } })
  return new Map(unlocks.map((unlock) => [unlock.providerId, unlock]))
}

async function addTeaser(
  tx: EntityManager,
  lead: Lead,
  provider: Provider,
  unlock: Unlock,
  { quiet }: TeaserPolicy,
): Promise<void> {
  const body = teaserText({
    providerName: provider.name,
    leadId: lead.id,
    city: lead.city,
    serviceType: lead.serviceType,
    preferredTimeWindow: lead.preferredTimeWindow ?? null,
    budgetRange: lead.budgetRange ?? null,
    priceCents: unlock.priceCents,
    currency: unlock.currency,
  })
  const notBefore = offerAllowedAt(unlock.dbNow, provider.timeZone ?? null, quiet)
  if (!fitsOneMessage(body)) throw new TeaserTooLongError('the teaser does not fit into one message')
  await addMessage(tx, {
    purpose: 'teaser',
    dedupeKey: `teaser:${unlock.id}`,
    unlockId: unlock.id,
    receiver: provider,
    body,
    ...(notBefore > unlock.dbNow ? { notBefore } : {}),
    now: unlock.dbNow,
  })
}
