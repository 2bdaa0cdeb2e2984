// The full metadata: the small set takes some numbers of the wrong length for valid. Memory is no concern on a server.
import { type PhoneNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max'

const E164 = /^\+[1-9]\d{6,14}$/

/** North American numbers can be written in one way only, valid or not: there is nothing in front to be left out. */
const NANP = /^\+1[2-9]\d{9}$/

/**
 * Brings a phone number as people write it into E.164, the one form in which numbers are stored and compared.
 *
 * Without a `+` it is read as a US number; bare digits (11 to 15) that are none are read the way the gateway writes
 * numbers, country code first. The number must be assignable in its country's numbering plan. One that is
 * written with `+` needs only the shape of its country's numbers: plans change, and an area code newer than our metadata
 * keeps nobody out. An extension is refused: no SMS reaches it.
 * @param input the number; spaces, dashes, brackets and invisible characters do not matter.
 * @returns for example `+13055550160`; null when it is not a valid number.
 */
export function normalisePhone(input: string): string | null {
  const written = input
    .normalize('NFKC')
    .replace(/[\p{Cf}\p{Cc}]/gu, '')
    .trim()
  if (written.startsWith('+')) return e164(written, hasShape)
  const national = e164(written, isAssignable, 'US')
  if (national !== null || !/^\d{11,15}$/.test(written)) return national
  return e164(`+${written}`, isAssignable)
}

/** Whether a number has the one form in which numbers are stored. */
export function isE164(phone: string): boolean {
  return E164.test(phone)
}

/**
 * Reads a number as TextMagic writes it: country code first, no `+`. A number that the numbering plans do not know is
 * kept as it is, because a sender must be recognised even when our metadata is older than their number.
 * @returns E.164; null when it is no phone number at all (an alphanumeric sender, a short code, nothing).
 */
export function phoneFromGateway(digits: string): string | null {
  const candidate = `+${digits.replace(/[\s+]/g, '')}`
  if (!isE164(candidate)) return null
  if (NANP.test(candidate)) return candidate
  const parsed = parsePhoneNumberFromString(candidate, { extract: false })
  // Whether it is valid takes long to find out, and matters only for another way to write it.
  return parsed === undefined || parsed.number === candidate || !parsed.isValid() ? candidate : parsed.number
}

function e164(written: string, isTaken: (parsed: PhoneNumber) => boolean, defaultCountry?: 'US'): string | null {
  const parsed = parsePhoneNumberFromString(written, { defaultCountry, extract: false })
  return parsed !== undefined && !parsed.ext && isTaken(parsed) ? parsed.number : null
}

function isAssignable(parsed: PhoneNumber): boolean {
  return parsed.isValid()
}

function hasShape(parsed: PhoneNumber): boolean {
  if (parsed.isValid()) return true
  return parsed.isPossible() && (parsed.countryCallingCode === '1' ? NANP : E164).test(parsed.number)
}
