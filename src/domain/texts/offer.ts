import { cleanText } from '../clean-text.ts'
import { formatPrice } from '../money.ts'
import { fitsOneMessage } from '../sms-encoding.ts'
import { greet } from './greeting.ts'

/** As long as every lead's. */
const ANY_LEAD_ID = 'lead_00000000'

/** What a teaser tells. It has no room for a locked field: nothing here says who the client is or where. */
export type TeaserFields = {
  providerName: string
  leadId: string
  city: string
  serviceType: string
  preferredTimeWindow?: string | null
  budgetRange?: string | null
  priceCents: number
  currency: string
  /** Ends the text, on a provider's first teaser: how to opt out. */
  footer?: string | null
}

export type PaymentLinkFields = {
  providerName: string
  leadId: string
  priceCents: number
  currency: string
  /** The page at Stripe. */
  url: string
}

/** The offer of a lead. A sentence whose field is empty is left out. */
export function teaserText(fields: TeaserFields): string {
  const city = cleanText(fields.city)
  return [
    greet(fields.providerName, city ? `new client inquiry in ${city}.` : 'new client inquiry.'),
    sentence('Type', fields.serviceType),
    sentence('Time window', fields.preferredTimeWindow),
    sentence('Budget', fields.budgetRange),
    `Reply Y to unlock contact details for ${formatPrice(fields.priceCents, fields.currency)}.`,
    'Reply N to skip.',
    `Lead ${fields.leadId}.`,
    cleanText(fields.footer),
  ]
    .filter((part) => part !== '')
    .join(' ')
}

/** Whether a lead can be offered to anybody, whatever their name: to be asked when it is posted. */
export function teaserFits(fields: Omit<TeaserFields, 'providerName' | 'leadId' | 'footer'>): boolean {
  return fitsOneMessage(teaserText({ ...fields, providerName: '', leadId: ANY_LEAD_ID }))
}

/** The answer to a Y: where to pay. */
export function paymentLinkText(fields: PaymentLinkFields): string {
  const price = formatPrice(fields.priceCents, fields.currency)
  return greet(
    fields.providerName,
    `complete your ${price} payment to unlock client details: ${cleanText(fields.url)} (Lead ${fields.leadId})`,
  )
}

function sentence(label: string, value: string | null | undefined): string {
  const cleaned = cleanText(value)
  return cleaned ? `${label}: ${cleaned}.` : ''
}
