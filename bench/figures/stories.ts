import { setTimeout as delay } from 'node:timers/promises'
import type { Sizes } from '../figure.ts'
import type { Accepted } from '../gateways.ts'
import { saturate } from '../load.ts'
import { inboundSms, paidEvent } from '../posts.ts'
import type { Figure } from '../report.ts'
import type { Site } from '../site.ts'

const GATEWAY_MS = 300
const WITHIN_MS = 300_000
const POLL_MS = 20

/** Whole stories per second, with one worker and with two: lead, teaser, Y, link, payment, reveal. */
export async function storyFigures(site: Site, sizes: Sizes): Promise<Figure[]> {
  await site.gateways.answerAfter(GATEWAY_MS)
  const first = await site.startWorker('worker-stories-1')
  const one = await storiesPerSecond(site, sizes.stories, '3')
  const second = await site.startWorker('worker-stories-2')
  const two = await storiesPerSecond(site, sizes.stories, '4')
  await site.stop(second)
  await site.stop(first)
  await site.gateways.answerAfter(0)
  return [
    {
      figure: 'whole stories, two workers, gateways taking 300 ms',
      value: `${two.toFixed(1)}/s`,
      against: `${one.toFixed(1)}/s, one worker`,
      ratio: two / one,
    },
  ]
}

/** @param areaDigit makes the phones of one call differ from another's */
async function storiesPerSecond(site: Site, count: number, areaDigit: string): Promise<number> {
  const providers = Array.from({ length: count }, (_, index) => ({
    id: `story${areaDigit}_${index}`,
    phone: `1${areaDigit}05555${String(index).padStart(4, '0')}`,
  }))
  await site.database.query(
    `insert into providers (id, name, phone) select id, 'Amy', '+' || phone
     from json_to_recordset($1) as given(id text, phone text)`,
    [JSON.stringify(providers)],
  )
  let seen = await site.gateways.count()
  const started = performance.now()
  const posting = saturateLeads(site, providers)
  let told = 0
  while (told < count) {
    if (performance.now() - started > WITHIN_MS)
      throw new Error(`${told} of ${count} stories came to their end in time`)
    const accepted = await site.gateways.acceptedFrom(seen)
    seen += accepted.length
    told += accepted.filter(({ text }) => !isTeaser(text) && !isLink(text)).length
    await Promise.all(accepted.map((sms) => answer(site, sms)))
    await delay(POLL_MS)
  }
  await posting
  return (count * 1000) / (performance.now() - started)
}

async function saturateLeads(site: Site, providers: readonly { id: string }[]): Promise<void> {
  for (const { id } of providers) {
    const response = await fetch(`${site.apiUrl}/api/leads`, {
      method: 'POST',
      headers: { authorization: `Bearer ${site.secrets.adminApiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        city: 'Miami',
        service_type: '60 min Mobile Massage',
        client_name: 'Sarah Johnson',
        client_phone: '+1234567890',
        provider_ids: [id],
      }),
    })
    if (response.status !== 201) throw new Error(`POST /api/leads answered ${response.status}`)
    await response.arrayBuffer()
  }
}

function isTeaser(text: string): boolean {
  return text.includes('Reply Y')
}

/** It announces the client's details; the reveal, which has them, is the third text of a story. */
function isLink(text: string): boolean {
  return text.includes('complete your')
}

/** What a provider does who wants every lead, and what Stripe then says. */
async function answer(site: Site, { phone, text }: Accepted): Promise<void> {
  const { textmagicWebhookToken, stripeWebhookSecret } = site.secrets
  if (isTeaser(text)) await saturate(site.apiUrl, 1, () => inboundSms(textmagicWebhookToken, phone, 'Y'))
  if (!isLink(text)) return
  const leadId = /lead_[a-z0-9]{8}/.exec(text)?.[0] ?? ''
  const { rows } = await site.database.query<{ id: number; linkId: string }>(
    'select id, payment_link_id as "linkId" from lead_unlocks where lead_id = $1',
    [leadId],
  )
  const unlock = rows[0]
  if (unlock === undefined) throw new Error('a link was sent for a lead that is not stored')
  await saturate(site.apiUrl, 1, () => paidEvent(stripeWebhookSecret, { ...unlock, leadId }))
}
