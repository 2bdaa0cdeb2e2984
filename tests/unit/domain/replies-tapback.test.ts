import { describe, expect, test } from 'vitest'
import { classifyReply } from '../../../src/domain/replies.ts'
import {
  declinedText,
  detailsErasedText,
  explainReplyText,
  helpText,
  leadExpiredText,
  notOnOfferText,
  paymentLinkText,
  resendLimitReachedText,
  revealText,
  startConfirmationText,
  stopConfirmationText,
  teaserText,
} from '../../../src/domain/texts.ts'

const TEASER = teaserText({
  providerName: 'Amy',
  leadId: 'lead_abc12345',
  city: 'Miami',
  serviceType: '60 min Mobile Massage',
  priceCents: 2000,
  currency: 'usd',
})
const LINK = paymentLinkText({
  providerName: 'Amy',
  leadId: 'lead_abc12345',
  priceCents: 2000,
  currency: 'usd',
  url: 'https://buy.stripe.com/test_x',
})
const REVEAL = revealText({ brand: 'Gold', providerName: 'Amy', clientName: 'Sarah', clientPhone: '+1' })
const BARE_REVEAL = revealText({
  brand: 'Gold'.repeat(300),
  providerName: 'Amy',
  clientName: 'Sarah',
  clientPhone: '+1',
})
const LEAD = { leadId: 'lead_abc12345' }
const OTHER_TEXTS = [
  ...[leadExpiredText(LEAD), notOnOfferText(LEAD), explainReplyText(LEAD), declinedText(LEAD), detailsErasedText(LEAD)],
  ...[resendLimitReachedText({ ...LEAD, times: 3 }), BARE_REVEAL],
  ...[stopConfirmationText, startConfirmationText, helpText].map((text) => text({ brand: 'Gold' })),
]

const ENGLISH = [
  ...['Liked', 'Loved', 'Disliked', 'Laughed at', 'Emphasized', 'Emphasised', 'Questioned', 'liked', 'LOVED'],
  ...['Removed a like from', 'Removed a heart from', 'Removed a dislike from', 'Removed a laugh from'],
  ...['Removed an exclamation from', 'Removed a question mark from', 'Reacted 👍 to', 'Removed 👍 from'],
  ...['👍 to', '👍🏽 to', '❤️ to', '👩‍👩‍👧 to', '👍 from', '? to', '?? to', '\u200A\u200B👍\u200B to'],
]
const OTHER_LANGUAGES = [
  ...['Le gustó', 'No le gustó', 'Le encantó', 'Reaccionó con 👍 a', 'A aimé', 'N’a pas aimé', "N'a pas aimé"],
  ...['Gefällt', 'Curtiu'],
]
const QUOTES = [
  ['“', '”'],
  ['"', '"'],
  ['«', '»'],
  ['„', '“'],
  ['“\u200A', '\u200A”\u200A'],
] as const

describe('a tapback is no reply, although it quotes a text that says "Reply Y" and names a lead', () => {
  test.each(ENGLISH)('%j', (reaction) => {
    for (const [open, close] of [...QUOTES, ['‘', '’'], ["'", "'"]] as const) {
      for (const quoted of [TEASER, LINK, REVEAL, TEASER.slice(0, 40), ...OTHER_TEXTS]) {
        expect(classifyReply(`${reaction} ${open}${quoted}${close}`)).toEqual({ kind: 'tapback' })
      }
    }
  })

  test.each(ENGLISH)('even when the quotation was cut off: %j', (reaction) => {
    for (const [open] of QUOTES) {
      for (const end of ['', '…', '…”', '..."', '"', '…"']) {
        expect(classifyReply(`${reaction} ${open}${TEASER.slice(0, 60)}${end}`)).toEqual({ kind: 'tapback' })
      }
    }
  })

  test.each([
    'Liked “Amy, new client inquiry … Reply Y …”',
    'Removed a heart from “Amy, new client inquiry…”',
    '👍 to “Reply Y to unlock contact details for $20”',
  ])('nor when it quotes the teaser in pieces: %j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'tapback' })
  })

  test.each(OTHER_LANGUAGES)('of a phone in another language, cut off: %j', (reaction) => {
    for (const end of ['…', '...', '…”', '"']) {
      expect(classifyReply(`${reaction} “${TEASER} Reply STOP to${end}`)).toEqual({ kind: 'tapback' })
    }
  })

  test.each([
    'Liked “Amy, new client inquiry … Reply Y …”',
    'Removed a heart from "Amy, new client inquiry..."',
    '👍 to “…”',
    'Loved "..."',
    'Questioned “”',
  ])('abbreviated, even to nothing: %j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'tapback' })
  })

  test('with quotation marks and apostrophes in it', () => {
    const teaser = TEASER.replace('60 min Mobile Massage', `"Deep" women's`)
    for (const text of [`Liked "${teaser}"`, `Liked '${teaser}'`, `Liked “${teaser}…`, `Le gustó "${teaser}"`]) {
      expect(classifyReply(text)).toEqual({ kind: 'tapback' })
    }
  })

  test.each(OTHER_LANGUAGES)('of a phone in another language: %j', (reaction) => {
    for (const [open, close] of QUOTES) {
      for (const quoted of [TEASER, LINK, REVEAL]) {
        expect(classifyReply(`${reaction} ${open}${quoted}${close}`)).toEqual({ kind: 'tapback' })
      }
    }
  })
})

describe('a reaction to a text that is not ours is a text like any other', () => {
  test.each([
    'Questioned “Your appointment is at 5 PM”',
    'Liked “Reply Y to confirm your appointment”',
    'Liked “Your booking\nName: Ann Smith\nPhone: +13055550100\nFriday 5 PM”',
    'Liked “Y”',
    'Loved “😀”',
    'Loved "STOP"',
    '👍 to “Y”',
    '? to "Y lead_abc12345"',
    'Disliked “N lead_abc12345”',
  ])('%j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'other' })
  })

  test('but is never an answer, wherever the quotation of ours was cut off and whatever follows it', () => {
    const teaser = TEASER.replace('60 min Mobile Massage', '"Deep" tissue')
    for (let length = 0; length <= teaser.length; length += 1) {
      for (const end of ['', '…', '"', '" Y']) {
        expect(['tapback', 'other']).toContain(classifyReply(`Liked "${teaser.slice(0, length)}${end}`).kind)
      }
    }
  })
})

test.each([
  'What do you mean by "payment to unlock"',
  'What is a "new client inquiry"',
  'Wrong number! "Dana, here are the client details:\n\nName: Sarah" please refund me',
  'New booking: "Name: Ann Smith\nPhone: +13055550100"',
])('a text that quotes what might be ours is forwarded: %j', (text) => {
  expect(classifyReply(text)).toEqual({ kind: 'other' })
})

describe('a reaction to the details is ignored, whatever is in them and wherever it was cut off', () => {
  const DETAILS =
    'Dana, here are the client details:\n\nName: Sarah “Sally” O’Hara "SO"\nPhone: +1 555 0100\nAddress: 1 Ocean Dr'
  test.each(['Liked “', 'Loved "', 'Liked ‘', '👍 to “'])('%s', (opening) => {
    for (let end = DETAILS.indexOf('Name: ') + 6; end <= DETAILS.length; end += 1) {
      expect(classifyReply(`${opening}${DETAILS.slice(0, end)}`).kind).toBe('tapback')
    }
  })
})

describe('a sentence that only begins like a reaction is a text like any other', () => {
  test.each([
    'Loved "the massage" last week, can I book again for Friday?',
    "Liked 'em all, book me again please",
    '$ to "hold" the slot is fine, call me',
    'Loved "new client inquiry in Miami", send me more of these',
  ])('%j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'other' })
  })
})

describe("a person's own words around our text are answered with an explanation, and never taken for a yes", () => {
  test.each([
    TEASER,
    `Y\n\n> ${TEASER}`,
    `Y “${TEASER}”`,
    `"${TEASER}" Y`,
    `No "${TEASER}"`,
    `Yes I want “${TEASER}”`,
    `${TEASER} Y`,
    `My 5" phone lost the new client inquiry in Miami. Is lead_abc12345 free?`,
  ])('%j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'names_lead', leadId: 'lead_abc12345' })
  })
})
