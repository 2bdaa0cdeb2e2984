import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ProviderDetails } from '../../../db/providers/providers.ts'
import { cleanText } from '../../../domain/clean-text.ts'
import { normalisePhone } from '../../../domain/phone.ts'
import { isValidTimeZone } from '../../../domain/quiet-hours.ts'
import type { FieldError } from '../../problem.ts'
import { fieldErrors } from '../../validation.ts'

/** Shown on the page of the API, where a call is made by hand. */
const EXAMPLE = {
  name: 'Dana',
  phone: '+1 305 555 0170',
  email: 'dana@example.com',
  time_zone: 'America/New_York',
}

/** What a provider is described by, in a body and in a row of a file. */
export const DetailsSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    phone: Type.String({
      minLength: 1,
      maxLength: 40,
      description:
        'Stored as E.164; without a + it is read as a US number, else as one that begins with its country code',
    }),
    email: Type.Optional(Type.Union([Type.String({ maxLength: 254, format: 'email' }), Type.Null()])),
    time_zone: Type.Optional(
      Type.Union([Type.String({ maxLength: 64 }), Type.Null()], { description: 'IANA name, such as America/New_York' }),
    ),
  },
  { additionalProperties: false, examples: [EXAMPLE] },
)
export type WrittenDetails = Static<typeof DetailsSchema>

const shape = Compile(DetailsSchema)

/** What is written by the rules, or everything that is wrong with it; never both. */
export type Read<T> = { value: T; errors: [] } | { value: null; errors: FieldError[] }

/** Ids come from another system, where they were seen with spaces at their end. */
export function readProviderId(written: string): Read<string> {
  const value = written.trim()
  if (/^[^\p{Cc}]{1,64}$/u.test(value)) return { value, errors: [] }
  return {
    value: null,
    errors: [{ field: 'id', message: 'must have 1 to 64 characters and no control characters' }],
  }
}

/** Reads details of the right shape: the phone number becomes E.164, the name one clean line. */
export function readDetails(written: WrittenDetails): Read<ProviderDetails> {
  const phone = normalisePhone(written.phone)
  const errors = valueErrors(written, phone)
  if (phone === null || errors.length > 0) return { value: null, errors }
  return {
    value: {
      name: cleanText(written.name),
      phone,
      email: written.email ?? null,
      timeZone: written.time_zone || null,
    },
    errors: [],
  }
}

/** Reads details of which nothing is known but that they are text: each field that is wrong is named, once. */
export function readUncheckedDetails(written: Partial<WrittenDetails>): Read<ProviderDetails> {
  if (shape.Check(written)) return readDetails(written)
  const misshapen = fieldErrors(shape.Errors(written), 'row')
  const named = new Set(misshapen.map(({ field }) => field))
  // One that is too long is not read: the marks over a letter take time with the square of how many they are.
  const phone = named.has('phone') ? null : normalisePhone(written.phone ?? '')
  const others = valueErrors(written, phone).filter(({ field }) => !named.has(field))
  return { value: null, errors: [...misshapen, ...others] }
}

/** @param phone the number as it was understood */
function valueErrors({ name, time_zone }: Partial<WrittenDetails>, phone: string | null): FieldError[] {
  const errors: FieldError[] = []
  if (name !== undefined && cleanText(name) === '') errors.push({ field: 'name', message: 'must not be empty' })
  if (phone === null) errors.push({ field: 'phone', message: 'must be a valid phone number' })
  if (time_zone && !isValidTimeZone(time_zone)) {
    errors.push({ field: 'time_zone', message: 'must be the IANA name of a time zone' })
  }
  return errors
}
