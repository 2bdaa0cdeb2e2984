import { stripInvisible } from './clean-text.ts'

const OPENING_QUOTE = `["'\u201C\u201D\u201E\u2018\u201A\u00AB\uFF02]`

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
 * A reaction in any other language: a few words (some phones put the emoji there), then one of our own texts in quotes.
 * Phones set to Spanish say `Le gustó "..."`; many providers' phones are.
 */
const QUOTES_OUR_TEXT = new RegExp(
  `^(?<lead_in>[^"\u201C\u201D\u201E\u00AB\uFF02\n]{0,48})["\u201C\u201D\u201E\u00AB\uFF02]` +
    '[^\\n]{0,120}(?:new client inquiry in|payment to unlock client details|here are the client details)',
  'iu',
)
const CLOSING_QUOTE_AT_END = /["\u201C\u201D\u00BB\uFF02]$/u

/** A "no" must stand alone: `No le gustó "..."` is how a Spanish phone says Disliked. */
const ANSWERS = /(?<![\p{L}\p{N}])(?:y|yes|n)(?![\p{L}\p{N}])|^[^\p{L}\p{N}]*no[^\p{L}\p{N}]*$/iu

/**
 * Whether a text is a phone's tapback: a reaction that quotes one of our texts. The quoted teaser says "Reply Y" and
 * names a lead, so a tapback read as a reply would be an answer that nobody gave.
 *
 * In other languages than English, words of the person's own after the quotation, or a yes or no before it, make it a
 * message again.
 */
export function isTapback(text: string): boolean {
  const visible = stripInvisible(text).trim()
  if (REACTIONS.some((reaction) => reaction.test(visible))) return true
  const quotation = QUOTES_OUR_TEXT.exec(visible)
  if (quotation === null || !CLOSING_QUOTE_AT_END.test(visible)) return false
  return !ANSWERS.test(quotation.groups?.lead_in ?? '')
}
