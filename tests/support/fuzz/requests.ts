import fc from 'fast-check'
import { type Body, bodies } from './bodies.ts'
import type { Operation } from './document.ts'
import { fitting, type Known, strangeText } from './values.ts'

/** Who asks, or what is presented instead of a key, a token or a signature. */
export const CALLERS = ['admin', 'operator', 'intake', 'revoked', 'wrong', 'nobody', 'odd'] as const
export type CallerKind = (typeof CALLERS)[number]

export type FuzzRequest = {
  operation: Operation
  caller: CallerKind
  /** With its query, without what authenticates it. */
  url: string
  headers: Readonly<Record<string, string>>
  body: Body | null
}

/** Segments of a path that went wrong somewhere before, as they are written in a URL. */
const STRANGE_SEGMENTS = [
  '0',
  '-1',
  '1e3',
  '007',
  '2147483647',
  '2147483648',
  '9'.repeat(30),
  '%00',
  'a%00b',
  '%zz',
  '%E0%A4%A',
  '%ED%A0%80',
  '%2e%2e%2f%2e%2e',
  '%2F',
  '%5C',
  '%20',
  '%0d%0aX-Injected:1',
  "'%20or%201=1",
  '__proto__',
  'lead_zzzzzzzz',
  'LEAD_ABC',
  'x'.repeat(255),
  'x'.repeat(2_000),
  '',
  '.',
  '..',
]

const STRANGE_QUERIES = [
  '%zz',
  '&&&',
  '=',
  '__proto__=1',
  'a[]=1&a[b]=2',
  'limit=1&limit=2',
  'cursor',
  '?',
  'x'.repeat(5_000),
]

const cursorOf = (position: unknown) => Buffer.from(JSON.stringify(position) ?? '').toString('base64url')
const strangeCursors = fc.oneof(
  fc.constantFrom('', 'x', '%00', 'e30', 'bnVsbA', '='.repeat(600)),
  fc.jsonValue({ maxDepth: 2 }).map(cursorOf),
  fc
    .record({ createdMicros: fc.constantFrom(0, -1, 1e300, 2 ** 53 - 1), id: fc.oneof(fc.nat(), strangeText) })
    .map(cursorOf),
)

/** What a header may hold on the wire: the parser lets nothing else through. */
const headerValue = fc.oneof(
  strangeText.map((text) =>
    Buffer.from(text.slice(0, 300))
      .toString('latin1')
      .replaceAll(/[^\x20-\x7e\x80-\xff]/g, ''),
  ),
  fc.constantFrom('a'.repeat(256), '{}', '1, 2', '"', '123456', 'https://evil.test', '\u00e9\u00ff'),
)

/** Requests to a call that the document describes: some as they should be, most not quite. */
export function requestsTo(operation: Operation, known: Known): fc.Arbitrary<FuzzRequest> {
  return fc
    .record({
      caller: fc.oneof(
        { arbitrary: fc.constant('admin' as const), weight: 6 },
        { arbitrary: fc.constantFrom(...CALLERS), weight: 5 },
      ),
      path: pathsOf(operation, known),
      query: queriesOf(operation, known),
      headers: headersOf(operation, known),
      body: bodyless(operation) ? fc.constant(null) : fc.option(bodies(operation.bodies, known), { freq: 12 }),
    })
    .map(({ caller, path, query, headers, body }) => ({
      operation,
      caller,
      url: query === '' ? path : `${path}?${query}`,
      headers,
      body,
    }))
}

function bodyless({ method }: Operation): boolean {
  return method === 'GET'
}

function pathsOf({ path }: Operation, known: Known): fc.Arbitrary<string> {
  const segments = path.split('/').map((segment, index, all) => {
    if (!segment.startsWith('{')) return fc.constant(segment)
    const ids = known.get(`/${all[index - 1]}`) ?? []
    const strange = fc.oneof(fc.constantFrom(...STRANGE_SEGMENTS), strangeText.map(encode))
    return ids.length === 0
      ? strange
      : fc.oneof(
          { arbitrary: fc.constantFrom(...ids.map((id) => encode(String(id)))), weight: 5 },
          { arbitrary: strange, weight: 2 },
        )
  })
  return fc.tuple(...segments).map((parts) => parts.join('/'))
}

function queriesOf({ parameters }: Operation, known: Known): fc.Arbitrary<string> {
  const declared = parameters
    .filter((parameter) => parameter.in === 'query')
    .map(({ name, schema }) => {
      const fits = fitting(schema, name, known).map(String)
      const strange = name === 'cursor' ? strangeCursors : strangeText
      const value = fc.oneof({ arbitrary: fits, weight: 4 }, { arbitrary: strange, weight: 1 })
      return fc.option(
        value.map((text) => `${name}=${encode(text)}`),
        { freq: 1 },
      )
    })
  const extra = fc.option(
    fc.oneof(
      fc.constantFrom(...STRANGE_QUERIES),
      strangeText.map((text) => `${encode(text)}=1`),
    ),
    { freq: 1 },
  )
  const rarely = fc.nat({ max: 7 }).chain((roll) => (roll === 0 ? extra : fc.constant(null)))
  return fc.tuple(...declared, rarely).map((parts) => parts.filter((part) => part !== null).join('&'))
}

function headersOf({ parameters }: Operation, known: Known): fc.Arbitrary<Record<string, string>> {
  const declared = parameters
    .filter((parameter) => parameter.in === 'header')
    .map(({ name, schema }) => {
      const fits = fitting(schema, name, known).map((value) => Buffer.from(String(value)).toString('latin1'))
      const value = fc.oneof({ arbitrary: fits, weight: 2 }, { arbitrary: headerValue, weight: 1 })
      return [name, fc.option(value, { nil: undefined, freq: 1 })] as const
    })
  const others = ['x-request-id', 'x-forwarded-for', 'accept', 'origin', 'cookie', 'x-http-method-override'].map(
    (name) => [name, fc.nat({ max: 9 }).chain((roll) => (roll === 0 ? headerValue : fc.constant(undefined)))] as const,
  )
  return fc
    .record(Object.fromEntries([...declared, ...others]))
    .map((headers) =>
      Object.fromEntries(
        Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
    )
}

/** As a URL has it; half a surrogate pair becomes what a careless client makes of it. */
function encode(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : '%ED%A0%80'
}
