import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { UnclearError } from './errors.ts'

/**
 * Reads a JSON answer of a gateway as what `schema` describes. Fields it does not name are kept.
 *
 * @throws UnclearError `unreadable_answer`: what was asked may have been done
 */
export function readJson<T extends TSchema>(operation: string, schema: T, text: string): Static<T> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which may hold a phone number.
    throw new UnclearError('unreadable_answer', { operation, detail: 'not_json' })
  }
  return readValue(operation, schema, value)
}

/** As `readJson`, of a value already parsed. */
export function readValue<T extends TSchema>(operation: string, schema: T, value: unknown): Static<T> {
  if (Value.Check(schema, value)) return value
  throw new UnclearError('unreadable_answer', { operation })
}
