const MASK = '[masked]'

/** Longer texts are cut: callers from outside decide how long a path is. */
const MAX_LENGTH = 8192

/**
 * In this order: a URL loses its credentials before what is left could look like an e-mail address. Repetitions are bounded,
 * so that no text takes long to search.
 */
const RULES: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@]{0,256}@/gi, `$1${MASK}@`],
  [/([?&][\w.[\]%-]+=)[^&#\s"']+/g, `$1${MASK}`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, `$1 ${MASK}`],
  // Our API keys; Stripe's keys and signing secrets; 32 bytes in base64, as our encryption keys are written.
  [/\blu_[\w-]{8,}/g, MASK],
  [/\b(?:sk|rk|pk|whsec)_\w+/g, MASK],
  [/[A-Za-z0-9+/_-]{43}=/g, MASK],
  [/[\p{L}\p{N}._%+'-]{1,64}@[\p{L}\p{N}.-]{1,255}\.\p{L}{2,24}/gu, MASK],
  // Phone numbers: with a plus; in ten to fifteen digits, as TextMagic writes them; as people in the US write them.
  [/\+\d(?:[\s().-]{0,2}\d){6,14}/g, MASK],
  [/(?<![\w.-])\d{10,15}(?![\w-]|\.\d)/g, MASK],
  [/(?<!\w)\(?\d{3}\)?[\s.-]{1,2}\d{3}[\s.-]\d{4}(?!\w)/g, MASK],
]

/** Without any of these no rule can match: most texts are a word or two, and every line is searched. */
const SUSPECT = /[@=]|:\/\/|\d{3}|\+\d|_|b(?:earer|asic)\s/i

/**
 * Free text for a log: e-mail addresses, phone numbers, credentials in URLs, values of query parameters, tokens and keys
 * are replaced. What cannot be told by its shape, such as a name or a street, must not get here: see `fields.ts`.
 */
export function maskText(text: string): string {
  const shown = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
  if (!SUSPECT.test(shown)) return shown
  return RULES.reduce((masked, [pattern, replacement]) => masked.replaceAll(pattern, replacement), shown)
}
