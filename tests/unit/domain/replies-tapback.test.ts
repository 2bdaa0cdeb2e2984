import { describe, expect, test } from 'vitest'
import { classifyReply } from '../../../src/domain/replies.ts'
import { paymentLinkText, revealText, teaserText } from '../../../src/domain/texts.ts'

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

const ENGLISH = [
  ...['Liked', 'Loved', 'Disliked', 'Laughed at', 'Emphasized', 'Emphasised', 'Questioned', 'liked', 'LOVED'],
  ...['Removed a like from', 'Removed a heart from', 'Removed a dislike from', 'Removed a laugh from'],
  ...['Removed an exclamation from', 'Removed a question mark from', 'Reacted 👍 to', 'Removed 👍 from'],
  ...['👍 to', '👍🏽 to', '❤️ to', '👩‍👩‍👧 to', '👍 from', '? to', '?? to', '\u200A\u200B👍\u200B to'],
]
const OTHER_LANGUAGES = ['Le gustó', 'No le gustó', 'Le encantó', 'Reaccionó con 👍 a', 'A aimé', 'Gefällt', 'Curtiu']
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
      for (const quoted of [TEASER, LINK, REVEAL, TEASER.slice(0, 40), 'Y', 'STOP']) {
        expect(classifyReply(`${reaction} ${open}${quoted}${close}`)).toEqual({ kind: 'tapback' })
      }
    }
  })

  test.each(ENGLISH)('even when the quotation was cut off: %j', (reaction) => {
    expect(classifyReply(`${reaction} “${TEASER.slice(0, 60)}`)).toEqual({ kind: 'tapback' })
  })

  test.each(OTHER_LANGUAGES)('of a phone in another language: %j', (reaction) => {
    for (const [open, close] of QUOTES) {
      for (const quoted of [TEASER, LINK, REVEAL]) {
        expect(classifyReply(`${reaction} ${open}${quoted}${close}`)).toEqual({ kind: 'tapback' })
      }
    }
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
  ])('%j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'names_lead', leadId: 'lead_abc12345' })
  })
})
