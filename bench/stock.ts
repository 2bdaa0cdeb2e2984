import type { Pool } from 'pg'
import { parseEncryptionKeys } from '../src/config/encryption-keys.ts'
import { createSealer } from '../src/db/sealing/sealing.ts'

/** An unlock that waits for its payment. */
export type Awaiting = { id: number; leadId: string; linkId: string; providerId: string; phone: string }

/**
 * Stores unlocks that wait for Stripe's word, each with a lead, a provider and a link of its own.
 *
 * @param batch tells several calls apart: three lower-case letters or digits
 */
export async function stockAwaiting(
  database: Pool,
  encryptionKeys: string,
  batch: string,
  count: number,
): Promise<Awaiting[]> {
  const sealer = createSealer(parseEncryptionKeys(encryptionKeys))
  const rows = Array.from({ length: count }, (_, index) => {
    const number = String(index).padStart(5, '0')
    const leadId = `lead_${batch}${number}`
    const seal = (column: string, value: string) => sealer.seal(value, `leads.${column}:${leadId}`)
    return {
      lead_id: leadId,
      client_name: seal('client_name', 'Sarah Johnson'),
      client_phone: seal('client_phone', '+1234567890'),
      client_email: seal('client_email', 'sarah.johnson@email.com'),
      exact_address: seal('exact_address', '123 Ocean Drive, Miami Beach, FL 33139'),
      provider_id: `provider_${batch}${number}`,
      phone: phoneOf(batch, index),
      link_id: `plink_${batch}${number}`,
    }
  })
  const { rows: stored } = await database.query<Awaiting>(STORE, [JSON.stringify(rows)])
  if (stored.length !== count) throw new Error(`${stored.length} of ${count} unlocks were stored`)
  return stored
}

/** A number of nobody's, in digits and with a plus. */
function phoneOf(batch: string, index: number): string {
  return `+1${200 + (Number.parseInt(batch, 36) % 700)}${String(5_000_000 + index)}`
}

const STORE = `
  with given as (select * from json_to_recordset($1) as g(lead_id text, client_name text, client_phone text,
      client_email text, exact_address text, provider_id text, phone text, link_id text)),
    people as (insert into providers (id, name, phone) select provider_id, 'Amy', phone from given returning id),
    inquiries as (insert into leads (id, city, service_type, client_name, client_phone, client_email, exact_address)
      select lead_id, 'Miami', '60 min Mobile Massage', client_name, client_phone, client_email, exact_address
      from given returning id),
    offers as (insert into lead_unlocks (lead_id, provider_id, status, price_cents, currency, ttl_expires_at,
        teaser_sent_at, link_generation, payment_link_id, payment_link_url, next_attempt_at)
      select lead_id, provider_id, 'AWAITING_PAYMENT', 2000, 'usd', app_now() + interval '1 day', app_now(), 1, link_id,
        'https://buy.stripe.com/' || link_id, app_now() + interval '1 day'
      from given returning id, lead_id, provider_id, payment_link_id, payment_link_url),
    links as (insert into payment_links (unlock_id, generation, stripe_id, url, next_attempt_at)
      select id, 1, payment_link_id, payment_link_url, app_now() + interval '1 day' from offers returning unlock_id)
  select offers.id, offers.lead_id as "leadId", offers.payment_link_id as "linkId", offers.provider_id as "providerId",
    given.phone from offers join given using (lead_id) order by offers.id`
