import { FormData } from 'undici'
import type { Settings } from './settings.ts'

type Fields = Record<string, string | number | null>

/** What to hand to `fetch` for a callback: in the form encodings every value is a string, and nothing is an empty one. */
export function callbackBody(fields: Fields, encoding: Settings['encoding']) {
  if (encoding === 'json') {
    return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) }
  }
  const texts = Object.entries(fields).map(([name, value]): [string, string] => [name, String(value ?? '')])
  if (encoding === 'urlencoded') return { headers: {}, body: new URLSearchParams(texts) }
  const form = new FormData()
  for (const [name, text] of texts) form.append(name, text)
  return { headers: {}, body: form }
}
