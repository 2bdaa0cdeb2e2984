/** Local times are at most twelve hours behind UTC. */
const FURTHEST_BEHIND_UTC_MS = 12 * 60 * 60 * 1000

/**
 * The latest instant a time in one of TextMagic's answers can stand for: `2012-11-28T18:38:28+0000` and other ISO forms,
 * seconds or milliseconds since 1970, or a date and time without an offset, whose time zone is the account's and unknown.
 *
 * @returns milliseconds since 1970, or null when it cannot be read
 */
export function latestInstant(time: string | number | null | undefined): number | null {
  if (time === null || time === undefined) return null
  const text = String(time).trim()
  if (/^\d{9,13}(\.\d+)?$/.test(text)) return Number(text) * (Number(text) < 1e11 ? 1000 : 1)
  const parts =
    /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(?:(Z|UTC)|([+-]\d{2}):?(\d{2})?)?$/i.exec(text)
  if (parts === null) return null
  const [, day, clock, utc, hours, minutes = '00'] = parts
  const known = utc !== undefined || hours !== undefined
  const instant = Date.parse(`${day}T${clock}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`)
  if (Number.isNaN(instant)) return null
  return known ? instant : instant + FURTHEST_BEHIND_UTC_MS
}
