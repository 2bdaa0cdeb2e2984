import { randomBytes } from 'node:crypto'
import { comparable } from './clean-text.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const ID_LENGTH = 8
/** Bytes from here on are thrown away: 256 is not a multiple of 36, and keeping them would favour the first letters. */
const BYTE_LIMIT = 256 - (256 % ALPHABET.length)

/**
 * A lead id as somebody types it, after `comparable`, with the spaces that phone keyboards put around the underscore.
 * Its length is not checked, so that a mistyped id is answered as one that is not on offer instead of being overlooked.
 * A leading word "lead" belongs to it, because our own texts say "Lead lead_abc12345".
 */
const MENTION = /(?<![\p{L}\p{N}_])(?:lead[\s:#]{1,3})?lead ?_ ?([a-z0-9]{1,32})(?![\p{L}\p{N}_])/gu

/**
 * The same without the underscore, which is hard to find on a phone. It has its whole length, and a digit: many words of eight
 * letters may follow "lead". One id in fourteen has no digit, and is not found so.
 */
const WITHOUT_UNDERSCORE =
  /(?<![\p{L}\p{N}_])(?:lead[\s:#]{1,3})?lead[\s:#-]{0,3}((?=[a-z]{0,7}[0-9])[a-z0-9]{8})(?![\p{L}\p{N}_])/gu

/**
 * Makes a new lead id: `lead_` and 8 lower-case letters or digits, each equally likely (2.8e12 ids).
 * Uniqueness is the database's job: the caller tries again when the id is taken.
 * @param random returns that many unpredictable bytes; Node's own generator unless a test passes another.
 */
export function newLeadId(random: (size: number) => Uint8Array = randomBytes): string {
  let id = ''
  while (id.length < ID_LENGTH) {
    for (const byte of random(ID_LENGTH)) {
      if (byte < BYTE_LIMIT && id.length < ID_LENGTH) id += ALPHABET[byte % ALPHABET.length]
    }
  }
  return `lead_${id}`
}

/**
 * `leadIds`: each one once, lower-case, in the order of appearance. `rest`: the text in `comparable` form, with a space in the
 * place of each.
 */
export type Extracted = { leadIds: string[]; rest: string }

/** Takes the lead ids out of a text. One of the wrong length is included, and is simply unknown to the database. */
export function extractLeadIds(text: string): Extracted {
  return extract(text, MENTION)
}

/** Takes out what looks like lead ids without their underscores, which in most texts is something else. */
export function extractIdsWithoutUnderscore(text: string): Extracted {
  return extract(text, WITHOUT_UNDERSCORE)
}

function extract(text: string, mention: RegExp): Extracted {
  const found = new Set<string>()
  const rest = comparable(text).replace(mention, (_mention, id: string) => {
    found.add(`lead_${id}`)
    return ' '
  })
  return { leadIds: [...found], rest }
}
