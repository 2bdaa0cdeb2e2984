import fc from 'fast-check'
import type { JsonSchema } from './document.ts'
import { fitting, type Known, spoiled } from './values.ts'

export type Body = { type: string | null; payload: string | Buffer }

const nested = (open: string, close: string) => `${open.repeat(8_000)}1${close.repeat(8_000)}`

/** Bodies that are no JSON, or JSON that a parser may stumble over. */
const RAW: readonly (string | Buffer)[] = [
  '',
  ' ',
  'null',
  '[]',
  '"text"',
  '1e999',
  '{',
  '{"city": ',
  '{"city": 1e400}',
  `{"city": ${'9'.repeat(400)}}`,
  '{"city": "a", "city": 5}',
  '{"__proto__": {"role": "admin"}}',
  '{"constructor": {"prototype": {"role": "admin"}}}',
  nested('{"a":', '}'),
  nested('[', ']'),
  '\ufeff{}',
  '{}\0',
  Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
  Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0x00]),
  `{"city": "${'x'.repeat(20_000)}"}`,
  'x'.repeat(300_000),
  '--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nY\r\n',
  'a=1&a=2&=&%zz=%00',
]

const ODD_TYPES: readonly (string | null)[] = [
  null,
  '',
  'text/plain',
  'application/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'multipart/form-data; boundary=b',
  'application/json; charset=utf-16',
  'application/json, text/plain',
  'APPLICATION/JSON',
  'application/problem+json',
  'application/json; charset="',
  'no such; type',
  '*/*',
  `application/${'x'.repeat(2_000)}`,
]

/** Bodies for a call: some that fit, most that do not quite, and some that have nothing to do with it. */
export function bodies(declared: ReadonlyMap<string, JsonSchema>, known: Known): fc.Arbitrary<Body> {
  const written = [...declared].flatMap(([type, schema]) => {
    // A file is documented by its type alone.
    const fits = fitting(schema, type.startsWith('text/') ? 'file' : '', known)
    return [
      { arbitrary: fits.map((value) => write(type, value)), weight: 4 },
      { arbitrary: spoiled(fits).map((value) => write(type, value)), weight: 5 },
    ]
  })
  const types = fc.constantFrom(...declared.keys(), 'application/json', ...ODD_TYPES)
  const raw = fc.record({ type: types, payload: fc.oneof(fc.constantFrom(...RAW), bytes) })
  return fc.oneof({ arbitrary: raw, weight: 2 }, ...written)
}

const bytes = fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value))

function write(type: string, value: unknown): Body {
  const fields = typeof value === 'object' && value !== null ? Object.entries(value) : []
  if (type === 'application/x-www-form-urlencoded') {
    const pairs = fields.map(([name, field]): [string, string] => [name, textOf(field)])
    return { type, payload: new URLSearchParams(pairs).toString() }
  }
  if (type === 'multipart/form-data') {
    const parts = fields.map(([name, field]) => {
      const head = `Content-Disposition: form-data; name="${encodeURIComponent(name.toWellFormed())}"${name === 'file' ? '; filename="f.csv"' : ''}`
      return `--b\r\n${head}\r\n\r\n${textOf(field)}\r\n`
    })
    return { type: 'multipart/form-data; boundary=b', payload: `${parts.join('')}--b--\r\n` }
  }
  if (type.startsWith('text/')) return { type, payload: typeof value === 'string' ? value : textOf(value) }
  return { type, payload: JSON.stringify(value) ?? '' }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
