import { stripInvisible } from './clean-text.ts'

/** What ends a quotation, by the mark that opens it. */
const CLOSING_QUOTES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\u201C': '\u201D',
  '\u201D': '\u201D',
  '\u201E': '\u201C\u201D',
  '\u2018': '\u2019',
  '\u201A': '\u2018\u2019',
  '\u00AB': '\u00BB',
  '\uFF02': '\uFF02',
}

const OPENING_QUOTE = `[${Object.keys(CLOSING_QUOTES).join('')}]`

/**
 * How phones put a reaction into words when it has to travel as an SMS, in English:
 * - iPhone: Liked "...", Laughed at "...", Removed a like from "...", Reacted <emoji> to "...", Removed <emoji> from "..."
 * - Android: <emoji> to "...", and <emoji> from "..." when it is taken back
 * A gateway that cannot carry the emoji puts `?` in its place, so any run of signs counts as one.
 */
const REACTIONS = [
  new RegExp(`^(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned)\\s+${OPENING_QUOTE}`, 'iu'),
  new RegExp(`^(?:reacted|removed)\\s.{1,60}?\\s(?:to|from)\\s+${OPENING_QUOTE}`, 'iu'),
  new RegExp(`^[^\\p{L}\\p{N}\\s]{1,32}\\s+(?:to|from)\\s+${OPENING_QUOTE}`, 'iu'),
]

/**
 * How a reaction in any other language begins: a few words (some phones put the emoji there), then the quotation. Phones
 * set to Spanish say `Le gustó "..."`; many providers' phones are.
 */
const FEW_WORDS = /^(?<words>[^"\u201C\u201D\u201E\u00AB\uFF02\n]{0,48})["\u201C\u201D\u201E\u00AB\uFF02]/u
const ENDS_QUOTATION = /(?:["\u201C\u201D\u00BB\uFF02\u2026]|\.{3})$/u

/** Disliked is `No le gustó "..."` in Spanish and `N’a pas aimé "..."` in French: a "no" must stand alone, an "n" unelided. */
const ANSWERS = /(?<![\p{L}\p{N}])(?:y|yes|n)(?![\p{L}\p{N}]|['’]\p{L})|^[^\p{L}\p{N}]*no[^\p{L}\p{N}]*$/iu

/** A few words of each of our texts, from near its beginning: the end of a long quotation may be cut off. */
const OUR_WORDS = new RegExp(
  [
    'new client inquiry in ',
    'payment to unlock client details',
    'here are the client details',
    'has expired and can no longer be unlocked',
    'is not on offer to you',
    'Y unlocks contact details',
    'you skipped lead lead_',
    'the details of lead lead_',
    'you are unsubscribed and will get no more messages',
    'you are subscribed to client inquiries',
    'client inquiries by SMS',
  ].join('|'),
  'iu',
)

/** Of a teaser, in a quotation that has gaps; outside of a reaction these may be somebody's own words. */
const TEASER_PIECE = /new client inquiry|reply y to unlock contact details/iu

const OUR_DETAILS = /here are the client details:\s*name:/iu
/** Details too long for the rest of their text, quoted from their beginning. Others have names and phones as well. */
const BARE_DETAILS = /^.\s*name: [^\n]{1,200}\nphone: /iu

/**
 * Reads a text that is worded like a phone's reaction to another text.
 *
 * - `tapback`: it quotes one of ours, whole or cut off, even to nothing. The quoted teaser says "Reply Y" and names a lead, so
 *   that a tapback read as a reply would be an answer that nobody gave.
 * - `other`: it quotes something else (the booking system texts the same phones), or the person's own words follow. A
 *   quotation may have been cut off before anything that tells whose it is, so this is no answer either.
 * - null: it is none. In other languages than English, words after the quotation, or a yes or no before it, make it a
 *   message again.
 */
export function readReaction(text: string): 'tapback' | 'other' | null {
  const visible = stripInvisible(text).trim()
  const english = REACTIONS.map((reaction) => reaction.exec(visible)?.[0]).find((found) => found !== undefined)
  if (english !== undefined) {
    const quotation = visible.slice(english.length - 1)
    const isTapback = isOurs(quotation, OUR_WORDS, TEASER_PIECE) || quotesDetails(quotation) || isNothing(quotation)
    return isTapback ? 'tapback' : 'other'
  }
  const beginning = FEW_WORDS.exec(visible)
  if (beginning === null || ANSWERS.test(beginning.groups?.words ?? '')) return null
  const quotation = visible.slice(beginning[0].length - 1)
  return isOurs(quotation, OUR_WORDS) && ENDS_QUOTATION.test(quotation) ? 'tapback' : null
}

/**
 * @param quotation from its opening mark to the end of the text
 * @param ours what tells one of our texts
 */
function isOurs(quotation: string, ...ours: RegExp[]): boolean {
  return ours.some((words) => words.test(quotation)) && !hasWordsAfter(quotation)
}

/** Cut off before its first word, it tells nobody anything. */
function isNothing(quotation: string): boolean {
  return !/[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(quotation)
}

/** Whatever seems to follow it: a name in the details may hold the mark that ends the quotation. */
function quotesDetails(quotation: string): boolean {
  return OUR_DETAILS.test(quotation) || BARE_DETAILS.test(quotation)
}

/** A quotation without an end was cut off. */
function hasWordsAfter(quotation: string): boolean {
  const closing = [...(CLOSING_QUOTES[quotation.charAt(0)] ?? '')]
  const end = Math.max(...closing.map((mark) => quotation.lastIndexOf(mark)))
  return end > 0 && /[\p{L}\p{N}]/u.test(quotation.slice(end))
}
