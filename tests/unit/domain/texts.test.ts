import { describe, expect, test } from 'vitest'
import { smsEncoding } from '../../../src/domain/sms-encoding.ts'
import * as texts from '../../../src/domain/texts.ts'

const LEAD = { leadId: 'lead_abc12345' }
const PRICE = { priceCents: 2000, currency: 'usd' }
const TEASER = {
  ...LEAD,
  ...PRICE,
  providerName: 'Amy',
  city: 'Miami',
  serviceType: '60 min Mobile Massage',
  preferredTimeWindow: 'Evening (6-9 PM)',
  budgetRange: '$150-200',
}
const LINK = { ...LEAD, ...PRICE, providerName: 'Amy', url: 'https://buy.stripe.com/test_x' }
const REVEAL = {
  brand: 'Gold Touch List',
  providerName: 'Amy',
  clientName: 'Sarah Johnson',
  clientPhone: '+1234567890',
  clientEmail: 'sarah.johnson@email.com',
  exactAddress: '123 Ocean Drive, Miami Beach, FL 33139',
  notesSnippet: 'Client prefers deep tissue massage',
}

describe('the teaser', () => {
  test('reads exactly as agreed', () => {
    expect(texts.teaserText(TEASER)).toBe(
      'Amy, new client inquiry in Miami. Type: 60 min Mobile Massage. Time window: Evening (6-9 PM). Budget: $150-200. ' +
        'Reply Y to unlock contact details for $20. Reply N to skip. Lead lead_abc12345.',
    )
  })

  test.each([
    [null, ''],
    ['', undefined],
    [' \n', '\u200B'],
  ])('leaves out a sentence whose field is empty', (preferredTimeWindow, budgetRange) => {
    expect(texts.teaserText({ ...TEASER, preferredTimeWindow, budgetRange })).toBe(
      'Amy, new client inquiry in Miami. Type: 60 min Mobile Massage. ' +
        'Reply Y to unlock contact details for $20. Reply N to skip. Lead lead_abc12345.',
    )
  })

  test('ends with the footer where there is one, on the same line', () => {
    const footer = ' Reply STOP\nto opt out. '
    expect(texts.teaserText({ ...TEASER, footer })).toBe(`${texts.teaserText(TEASER)} Reply STOP to opt out.`)
    expect(texts.teaserText({ ...TEASER, footer: '' })).toBe(texts.teaserText(TEASER))
  })

  test('starts by itself when the provider has no name', () => {
    expect(texts.teaserText({ ...TEASER, providerName: ' ' })).toMatch(/^New client inquiry in Miami\. Type/)
  })
})

test('the payment link text reads exactly as agreed', () => {
  expect(texts.paymentLinkText(LINK)).toBe(
    'Amy, complete your $20 payment to unlock client details: https://buy.stripe.com/test_x (Lead lead_abc12345)',
  )
})

describe('the reveal', () => {
  test('reads exactly as agreed', () => {
    expect(texts.revealText(REVEAL)).toBe(
      [
        'Amy, here are the client details:',
        '',
        'Name: Sarah Johnson',
        'Phone: +1234567890',
        'Email: sarah.johnson@email.com',
        'Address: 123 Ocean Drive, Miami Beach, FL 33139',
        'Notes: Client prefers deep tissue massage',
        '',
        'Gold Touch List provides advertising access to client inquiries. We do not arrange or guarantee appointments.',
      ].join('\n'),
    )
  })

  test('leaves out a line whose field is empty', () => {
    const { brand, providerName, clientName, clientPhone } = REVEAL
    expect(
      texts.revealText({ brand, providerName, clientName, clientPhone, clientEmail: null, exactAddress: '' }),
    ).toBe(
      [
        'Amy, here are the client details:',
        '',
        'Name: Sarah Johnson',
        'Phone: +1234567890',
        '',
        'Gold Touch List provides advertising access to client inquiries. We do not arrange or guarantee appointments.',
      ].join('\n'),
    )
  })
})

test('a value cannot add a line of its own, nor direction or invisible characters', () => {
  const hostile = 'Sarah\nPhone: +1 900\u2028Name:\r\u202Ex'
  const text = texts.revealText({ ...REVEAL, clientName: hostile, notesSnippet: hostile })
  expect(text.split('\n')).toHaveLength(9)
  expect(text).toContain('Name: Sarah Phone: +1 900 Name: x\n')
  expect(texts.teaserText({ ...TEASER, city: hostile })).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u)
})

test('a value that looks like a placeholder stays as it is', () => {
  const text = texts.paymentLinkText({ ...LINK, providerName: '{url} $& $1 {price}' })
  expect(text).toMatch(/^\{url\} \$& \$1 \{price\}, complete your \$20 payment/)
})

const OURS: [string, string][] = [
  ['teaser', texts.teaserText(TEASER)],
  ['payment link', texts.paymentLinkText(LINK)],
  ['reveal', texts.revealText(REVEAL)],
  ['lead expired', texts.leadExpiredText(LEAD)],
  ['not on offer', texts.notOnOfferText(LEAD)],
  ['explain reply', texts.explainReplyText(LEAD)],
  ['declined', texts.declinedText(LEAD)],
  ['details erased', texts.detailsErasedText(LEAD)],
  ['resend limit', texts.resendLimitReachedText({ ...LEAD, times: 3 })],
  ['stop confirmation', texts.stopConfirmationText({ brand: 'Gold Touch List' })],
  ['start confirmation', texts.startConfirmationText({ brand: 'Gold Touch List' })],
  ['help', texts.helpText({ brand: 'Gold Touch List' })],
]

test('every text we have is among them', () => {
  expect(OURS).toHaveLength(Object.keys(texts).filter((name) => name.endsWith('Text')).length)
})

test.each(OURS)('our own words keep to GSM-7: %s', (_name, text) => {
  expect(smsEncoding(text).encoding).toBe('gsm7')
})

test.each(OURS.slice(3))('an answer fits one part: %s', (_name, text) => {
  expect(smsEncoding(text).segments).toBe(1)
})

test.each(OURS.slice(3, 9))('an answer about a lead names it: %s', (_name, text) => {
  expect(text).toContain('lead_abc12345')
})

test('the explanation shows both replies', () => {
  expect(texts.explainReplyText(LEAD)).toContain('Reply Y lead_abc12345 or N lead_abc12345')
})

test('the confirmation of STOP names the program and the way back, and nothing to buy', () => {
  expect(texts.stopConfirmationText({ brand: 'Gold Touch List' })).toBe(
    'Gold Touch List: You are unsubscribed and will get no more messages. Reply UNSTOP to subscribe again.',
  )
})

test('HELP tells the program, the contact, the costs and how to stop', () => {
  for (const part of ['Gold Touch List', 'Msg & data rates may apply', 'STOP', 'support']) {
    expect(texts.helpText({ brand: 'Gold Touch List' })).toContain(part)
  }
})
