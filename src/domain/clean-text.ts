/** Format characters and everything Unicode tells a renderer to show nothing for: zero-width, bidi, variation selectors. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu

/**
 * Removes characters that are there but cannot be seen. Phones and copy-paste put them into replies, and they can hide
 * or reorder what a reader believes a text says. A joined emoji falls apart into its parts; nothing readable is lost.
 */
export function stripInvisible(text: string): string {
  return text.replace(INVISIBLE, '')
}

/**
 * Makes a value from outside (a name, a city, notes) safe to place into one line of an SMS: no line breaks, control or
 * invisible characters and no broken surrogates, runs of white space as one space, none at the ends.
 *
 * A line break inside a value could otherwise forge a line of ours, such as a second "Phone:".
 * @returns the cleaned value; an empty string for null, undefined, or when nothing readable is left.
 */
export function cleanText(value: string | null | undefined): string {
  if (!value) return ''
  // Halves first: two that an invisible character keeps apart would become an invisible one.
  return stripInvisible(value.replace(/\p{Cs}/gu, ''))
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
}

/** The keycap emoji are a digit or sign under a mark that makes a key of it; the digit alone is no emoji. */
const EMOJI = /\p{Extended_Pictographic}|[0-9#*]\u20E3/gu

/**
 * All but the signs that abbreviate "number": resolved, "Nº" and "№" would say "no". In pieces, because the marks over a letter
 * are put into order, which takes time with the square of how many they are.
 */
const RESOLVED = /[^\u00BA\u2116]{1,512}/gu

/**
 * The form in which what people type is compared: lower case, without invisible characters and emoji, and with
 * compatibility variants resolved: a full-width "Ｙ" is a y, a no-break space a space.
 *
 * Emoji go first, because the normalisation turns some of them (the trade mark sign, the circled M) into letters.
 */
export function comparable(text: string): string {
  return stripInvisible(text)
    .replace(EMOJI, ' ')
    .replace(RESOLVED, (part) => part.normalize('NFKC'))
    .toLowerCase()
}
