import fc from 'fast-check'
import type { JsonSchema } from './document.ts'

/** In front of each locked field that is sent: wherever it turns up, a locked field does. */
export const LOCKED_MARK = 'Locked-Up-'

export const LOCKED_FIELDS: readonly string[] = ['client_name', 'client_phone', 'client_email', 'exact_address']

const LONG = 'x'.repeat(3_000)

/** Texts that went wrong somewhere before. None looks like anything that must not leak. */
const STRANGE_TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'half \udc00 pair',
  '\u202e\u200b\ufeff',
  '👍🏽 Ünïcode',
  "'; drop table leads; --",
  '" or 1=1 --',
  '%_\\',
  '$1 ? ?? :id',
  '{{7*7}}<%= 7 %>',
  '<script>alert(1)</script>',
  '../../../etc/passwd',
  '=HYPERLINK("https://evil.test")',
  'line\r\nX-Injected: 1',
  '__proto__',
  'constructor',
  'toString',
  '9'.repeat(40),
  '-1',
  '0x10',
  '1e3',
  'NaN',
  'true',
  'null',
  '2026-02-30T25:61:00Z',
  '0000-00-00',
  '+999999-12-31T00:00:00Z',
  LONG,
]

const STRANGE_NUMBERS = [
  0,
  -0,
  -1,
  1,
  1.5,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1e308,
  1e-320,
  Number.MAX_SAFE_INTEGER,
]

const deep = (depth: number): unknown => (depth === 0 ? 1 : [deep(depth - 1)])

/** Something, whatever was asked for. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: fc.constantFrom(...STRANGE_TEXTS), weight: 4 },
  { arbitrary: fc.constantFrom(...STRANGE_NUMBERS), weight: 3 },
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { a: { b: { c: {} } } }, deep(60)),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.jsonValue({ maxDepth: 3 }),
)

export const strangeText = fc.oneof(
  { arbitrary: fc.constantFrom(...STRANGE_TEXTS), weight: 3 },
  fc.string({ unit: 'binary', maxLength: 60 }),
)

/** What is there already, by the name that calls it: a request made of it gets as far as the handler. */
export type Known = ReadonlyMap<string, readonly unknown[]>

/** A value that fits the schema, as far as a schema says what fits. */
export function fitting(schema: JsonSchema, name: string, known: Known): fc.Arbitrary<unknown> {
  const values = known.get(name)
  if (values !== undefined && values.length > 0) {
    return fc.oneof({ arbitrary: fc.constantFrom(...values), weight: 4 }, fromSchema(schema, name, known))
  }
  return fromSchema(schema, name, known)
}

function fromSchema(schema: JsonSchema, name: string, known: Known): fc.Arbitrary<unknown> {
  const { anyOf, enum: words, type } = schema
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((one) => fitting(Object(one), name, known)))
  if (Array.isArray(words)) return fc.constantFrom<unknown>(...words)
  switch (type) {
    case 'object':
      return objectFrom(schema, known)
    case 'array':
      return fc.array(fitting(Object(schema.items), name, known), {
        minLength: numberOf(schema.minItems, 0),
        maxLength: Math.min(4, numberOf(schema.maxItems, 4)),
      })
    case 'integer':
      return fc.integer({ min: numberOf(schema.minimum, 1), max: numberOf(schema.maximum, 100_000) })
    case 'number':
      return fc.integer({ min: 1, max: numberOf(schema.maximum, 1_000) })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'string':
      return textFrom(schema, name)
    default:
      return anything
  }
}

function objectFrom(schema: JsonSchema, known: Known): fc.Arbitrary<unknown> {
  const required = Array.isArray(schema.required) ? schema.required.map(String) : []
  const properties = Object.entries(Object(schema.properties)).map(([key, inner]) => {
    const value = fitting(Object(inner), key, known)
    return [key, required.includes(key) ? value : fc.option(value, { nil: undefined })] as const
  })
  // Undefined ones are left out when it is written as JSON.
  return fc.record(Object.fromEntries(properties))
}

function textFrom(schema: JsonSchema, name: string): fc.Arbitrary<string> {
  const mark = LOCKED_FIELDS.includes(name) ? LOCKED_MARK : ''
  const most = Math.min(30, numberOf(schema.maxLength, 30) - mark.length)
  if (schema.format === 'date-time') return fc.date({ min: new Date(0), noInvalidDate: true }).map((at) => at.toJSON())
  if (schema.format === 'date') return textFrom({ ...schema, format: 'date-time' }, name).map((at) => at.slice(0, 10))
  if (schema.format === 'email') return fc.emailAddress()
  return fc.string({ unit: 'grapheme', minLength: 1, maxLength: most }).map((text) => mark + text)
}

/** The value with one thing in it changed, left out or added; or another altogether. */
export function spoiled(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const field = fc.oneof(fc.constantFrom('surprise', '__proto__', 'constructor', 'id', 'role', '', '\0'), fc.string())
  const change = fc.oneof(
    { arbitrary: fc.record({ kind: fc.constant('change' as const), at: fc.nat(), to: anything }), weight: 4 },
    fc.record({ kind: fc.constant('leave out' as const), at: fc.nat(), to: fc.constant(undefined) }),
    fc.record({ kind: fc.constant('add' as const), at: field, to: anything }),
    fc.record({ kind: fc.constant('replace' as const), at: fc.constant(0), to: anything }),
  )
  return fc.tuple(value, change).map(([whole, { at, to, kind }]) => {
    if (kind === 'replace' || typeof whole !== 'object' || whole === null) return to
    if (typeof at === 'string') return Object.fromEntries([...Object.entries(whole), [at, to]])
    const names = Object.keys(whole)
    const chosen = names[at % Math.max(1, names.length)]
    return Object.fromEntries(Object.entries(whole).map(([key, inner]) => [key, key === chosen ? to : inner]))
  })
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
