import { offerAllowedAt, type QuietPolicy } from '../../domain/quiet-hours.ts'
import { fitsOneMessage } from '../../domain/sms-encoding.ts'
import { teaserText } from '../../domain/texts.ts'
import { PARKED_AFTER } from '../due/parking.ts'
import { type Lead, Provider, Unlock } from '../entities/index.ts'
import { addMessage } from '../ledger/messages.ts'
import type { EntityManager } from '../postgres/orm.ts'

export type OfferTerms = {
  priceCents: number
  currency: string
  /** Hours from now on that the offer stands; may be a fraction. */
  ttlHours: number
}

/** How teasers are written and sent. */
export type TeaserPolicy = {
  quiet: QuietPolicy
  /** Ends the first teaser of each provider; empty for none. */
  footer: string
}

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
  /** Whose name leaves no room for the lead; null when the lead alone is too long. */
  readonly providerId: string | null

  constructor(providerId: string | null) {
    super('the teaser does not fit into one message')
    this.providerId = providerId
  }
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
  const withFooter = policy.footer !== ''
  const providers = await lockReceivers(tx, providerIds, withFooter)
  const unknown = providerIds.filter((id) => !providers.has(id))
  if (unknown.length > 0) throw new UnknownProvidersError(unknown)

  const neverOffered = withFooter ? await withoutTeaser(tx, providerIds) : new Set<string>()
  const added = await insertUnlocks(tx, lead.id, [...providers.values()], terms)
  const offer: Offer = { unlocks: [], skipped: [] }
  for (const providerId of providerIds) {
    const unlock = added.get(providerId)
    const provider = providers.get(providerId)
    if (unlock === undefined || provider === undefined) {
      offer.skipped.push({ providerId, reason: provider?.optedOutAt == null ? 'already_sent' : 'opted_out' })
      continue
    }
    await addTeaser(tx, lead, provider, unlock, policy.quiet, neverOffered.has(providerId) ? policy.footer : '')
    offer.unlocks.push(unlock)
  }
  return offer
}

/**
 * Locks the providers in one order: a STOP that arrives now waits for our commit, and then finds the new unlock to close
 * it.
 *
 * @param alone offers to the same provider also wait for each other: which one is the first is decided under the lock
 */
async function lockReceivers(
  tx: EntityManager,
  ids: readonly string[],
  alone: boolean,
): Promise<Map<string, Provider>> {
  const strength = alone ? 'no key update' : 'share'
  await tx.execute(`select 1 from providers where id in (?) order by id for ${strength}`, [[...ids]])
  const providers = await tx.find(Provider, { id: { $in: [...ids] } }, { refresh: true })
  return new Map(providers.map((provider) => [provider.id, provider]))
}

/**
 * Those of the providers to whom the next teaser may be the first: how to opt out has to stand in it. A teaser counts that was
 * sent, or is about to be. Not one that did not arrive, and none that may never go out: because it waits for a person, its
 * offer is over, or it waits for a morning by which the offer may be over.
 *
 * Each is asked for by itself, up to the first teaser. As a `not exists` it is a join, for which Postgres reads all texts and
 * all unlocks as soon as there are many providers.
 */
async function withoutTeaser(tx: EntityManager, ids: readonly string[]): Promise<Set<string>> {
  const rows = await tx.execute<{ id: string }[]>(
    `select id from providers p where id in (?) and (
       select m.id from outbound_messages m join lead_unlocks u on u.id = m.unlock_id
       where m.provider_id = p.id and m.purpose = 'teaser' and m.status not in ('cancelled', 'failed', 'undelivered')
         and (m.status <> 'pending' or u.status = 'NEW_LEAD' and u.ttl_expires_at > app_now()
           and m.not_before is null and m.next_attempt_at < ?) limit 1) is null`,
    [[...ids], PARKED_AFTER],
  )
  return new Set(rows.map(({ id }) => id))
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
  quiet: QuietPolicy,
  footer: string,
): Promise<void> {
  const fields = {
    providerName: provider.name,
    leadId: lead.id,
    city: lead.city,
    serviceType: lead.serviceType,
    preferredTimeWindow: lead.preferredTimeWindow ?? null,
    budgetRange: lead.budgetRange ?? null,
    priceCents: unlock.priceCents,
    currency: unlock.currency,
    footer,
  }
  const body = teaserText(fields)
  if (!fitsOneMessage(body)) {
    const fitsWithoutName = fitsOneMessage(teaserText({ ...fields, providerName: '' }))
    throw new TeaserTooLongError(fitsWithoutName ? provider.id : null)
  }
  const notBefore = offerAllowedAt(unlock.dbNow, provider.timeZone ?? null, quiet)
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
