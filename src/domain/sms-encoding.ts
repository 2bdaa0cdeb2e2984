/** The 7-bit alphabet of 3GPP TS 23.038: one unit each. */
const GSM7_BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡' +
    'ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
)

/** Its extension table: an escape and a character, two units. */
const GSM7_EXTENSION = new Set('\f^{}\\[~]|€')

/** The most parts one text may have at TextMagic; a longer one is refused (400), never cut. */
export const MAX_SMS_SEGMENTS = 6

const LIMITS = {
  gsm7: { single: 160, part: 153 },
  ucs2: { single: 70, part: 67 },
} as const

/**
 * How a text travels: its encoding, its length in units of that encoding (7-bit characters, or 16-bit code units), and
 * how many SMS it is billed as (0 for an empty text).
 */
export type SmsEncoding = { encoding: 'gsm7' | 'ucs2'; units: number; segments: number }

/**
 * Encoding, length and number of parts of a text: GSM-7 160 characters, or 153 a part when longer; one character
 * outside GSM-7 makes the whole text UCS-2, 70 or 67. A pair (escape and character, or the two halves of a surrogate
 * pair) is never divided between parts, so a part may end one unit early.
 */
export function smsEncoding(text: string): SmsEncoding {
  const characters = [...text]
  const encoding = characters.every((char) => gsm7Units(char) > 0) ? 'gsm7' : 'ucs2'
  const sizes = characters.map((char) => (encoding === 'gsm7' ? gsm7Units(char) : char.length))
  const units = sizes.reduce((sum, size) => sum + size, 0)
  const { single, part } = LIMITS[encoding]
  if (units <= single) return { encoding, units, segments: units === 0 ? 0 : 1 }
  return { encoding, units, segments: countParts(sizes, part) }
}

/** Whether the gateway takes the text as one message: at most `MAX_SMS_SEGMENTS` parts. */
export function fitsOneMessage(text: string): boolean {
  return smsEncoding(text).segments <= MAX_SMS_SEGMENTS
}

function gsm7Units(char: string): 0 | 1 | 2 {
  if (GSM7_BASIC.has(char)) return 1
  return GSM7_EXTENSION.has(char) ? 2 : 0
}

function countParts(sizes: number[], capacity: number): number {
  let parts = 1
  let used = 0
  for (const size of sizes) {
    if (used + size > capacity) {
      parts += 1
      used = 0
    }
    used += size
  }
  return parts
}
