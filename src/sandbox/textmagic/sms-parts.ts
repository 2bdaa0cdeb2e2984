/** How TextMagic names the two alphabets a text can travel in: GSM-7 and UCS-2. */
export type Charset = 'ISO-8859-1' | 'UTF-16BE'

export type SmsLength = { charset: Charset; parts: number }

// 3GPP TS 23.038. Kept apart from the product's own table on purpose: an emulator that shared it could not reveal a mistake.
const gsmBasic = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
)
const gsmExtended = new Set('\f^{}\\[~]|€')

type Alphabet = { charset: Charset; single: number; part: number; cost: (character: string) => number }

const gsm7: Alphabet = {
  charset: 'ISO-8859-1',
  single: 160,
  part: 153,
  cost: (character) => (gsmExtended.has(character) ? 2 : 1),
}
const ucs2: Alphabet = { charset: 'UTF-16BE', single: 70, part: 67, cost: (character) => character.length }

function alphabetOf(characters: readonly string[]): Alphabet {
  return characters.every((character) => gsmBasic.has(character) || gsmExtended.has(character)) ? gsm7 : ucs2
}

/** The alphabet `text` needs and how many message parts it takes; an empty text takes one. */
export function measure(text: string): SmsLength {
  const characters = [...text]
  const alphabet = alphabetOf(characters)
  return { charset: alphabet.charset, parts: countParts(characters, alphabet) }
}

/** The longest beginning of `text` that fits in `parts` message parts, in the alphabet the whole text needs. */
export function cutTo(text: string, parts: number): string {
  const characters = [...text]
  const alphabet = alphabetOf(characters)
  while (countParts(characters, alphabet) > parts) characters.pop()
  return characters.join('')
}

// An escaped GSM character or a surrogate pair is never split over two parts, so parts are filled, not divided.
function countParts(characters: readonly string[], { single, part, cost }: Alphabet): number {
  const costs = characters.map(cost)
  if (costs.reduce((sum, one) => sum + one, 0) <= single) return 1
  let parts = 1
  let used = 0
  for (const one of costs) {
    if (used + one > part) {
      parts += 1
      used = 0
    }
    used += one
  }
  return parts
}
