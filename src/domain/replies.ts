import { extractIdsWithoutUnderscore, extractLeadIds } from './lead-id.ts'
import { readReaction } from './tapback.ts'

/**
 * What a provider's text means.
 * - `yes`, `no`: an answer to an offer; `leadId` is the one they named, null when they named none.
 * - `names_lead`: names a lead without a clear yes or no, or several leads at once (then `leadId` is the first).
 *   One text answers one offer: which of several leads somebody wants to pay for is never guessed.
 * - `stop`, `start`, `help`: the whole message is such a word.
 * - `tapback`: a phone's reaction that quotes one of our texts; not a reply at all.
 * - `other`: not about a lead; belongs to the booking and support system.
 */
export type Reply =
  | { kind: 'yes' | 'no'; leadId: string | null }
  | { kind: 'names_lead'; leadId: string }
  | { kind: 'stop' | 'start' | 'help' | 'tapback' | 'other' }

const YES = new Set(['y', 'yes'])
const NO = new Set(['n', 'no'])

/**
 * The opt-out words of US rules, with the spellings that TextMagic acts on by itself (STOPP) or that differ by a space.
 * Somebody the gateway has blocked must be unsubscribed here as well.
 */
const STOP = new Set([
  'stop',
  'stopp',
  'stopall',
  'stop all',
  'unsubscribe',
  'cancel',
  'end',
  'quit',
  'revoke',
  'opt out',
  'optout',
])

/** Ours, and the words by which TextMagic lifts its own block: both sides must come to the same conclusion. */
const START = new Set(['start', 'unstop', 'join', 'subscribe', 'resubscribe', 'optin', 'opt in'])

const HELP = new Set(['help', 'info'])

/**
 * Decides what an inbound text means. Case, white space, punctuation, emoji and invisible characters do not matter;
 * every word does: "yes please" or "ok" is `other`, because a purchase is never started on a guess.
 *
 * Never throws; takes time proportional to the length of the text.
 * @param text the text exactly as the gateway delivered it.
 */
export function classifyReply(text: string): Reply {
  const reaction = readReaction(text)
  if (reaction !== null) return { kind: reaction }
  const { leadIds, rest } = extractLeadIds(text)
  const said = words(rest)
  const [leadId = null, ...others] = leadIds
  if (leadId !== null) return answerTo(leadId, others.length === 0 ? said : [])
  if (consistsOf(said, YES)) return { kind: 'yes', leadId: null }
  if (consistsOf(said, NO)) return { kind: 'no', leadId: null }
  const message = withoutRepeats(said).join(' ')
  if (STOP.has(message)) return { kind: 'stop' }
  if (START.has(message)) return { kind: 'start' }
  if (HELP.has(message)) return { kind: 'help' }
  return answerWithoutUnderscore(text) ?? { kind: 'other' }
}

/** A yes or no with one such id, and nothing else. */
function answerWithoutUnderscore(text: string): Reply | null {
  const { leadIds, rest } = extractIdsWithoutUnderscore(text)
  const [leadId, ...others] = leadIds
  if (leadId === undefined || others.length > 0) return null
  const reply = answerTo(leadId, words(rest))
  return reply.kind === 'names_lead' ? null : reply
}

function answerTo(leadId: string, said: string[]): Reply {
  if (consistsOf(said, YES)) return { kind: 'yes', leadId }
  if (consistsOf(said, NO)) return { kind: 'no', leadId }
  return { kind: 'names_lead', leadId }
}

/** Marks belong to their word: a letter with a stroke or an accent over it is not that letter. */
function words(text: string): string[] {
  return text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
}

function consistsOf(said: string[], allowed: ReadonlySet<string>): boolean {
  return said.length > 0 && said.every((word) => allowed.has(word))
}

/** "STOP STOP STOP" is as clear as one STOP. */
function withoutRepeats(said: string[]): string[] {
  return said.filter((word, index) => index === 0 || word !== said[index - 1])
}
