import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseGatewayBody } from '../../../src/domain/inbound.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const multipart = async (fields: Record<string, string>) => {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  const response = new Response(form)
  return { type: response.headers.get('content-type') ?? '', body: new Uint8Array(await response.arrayBuffer()) }
}

describe('a callback body', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'text/plain',
    '',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'nonsense;;;',
  ])('in JSON is read, also when the content type is %j', async (type) => {
    expect(await parseGatewayBody(type, bytes(' \ufeff{"id": 5, "text": "Y ☕"} '))).toEqual({ id: 5, text: 'Y ☕' })
  })

  it.each(['application/x-www-form-urlencoded', 'application/json', 'multipart/form-data', '', 'text/plain'])(
    'in the urlencoded form is read, also when the content type is %j',
    async (type) => {
      expect(await parseGatewayBody(type, bytes('id=5&text=Y+%E2%98%95&sender=1305%25'))).toEqual({
        id: '5',
        text: 'Y ☕',
        sender: '1305%',
      })
    },
  )

  it('in multipart is read, also when the content type is missing or says something else', async () => {
    const { type, body } = await multipart({ id: '5', text: 'Y ☕\r\nline\r\n--x' })
    for (const declared of [type, '', 'application/json', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      expect(await parseGatewayBody(declared, body)).toEqual({ id: '5', text: 'Y ☕\r\nline\r\n--x' })
    }
  })

  it('counts a repeated name once and a file not at all', async () => {
    const form = new FormData()
    form.append('id', '1')
    form.append('id', '2')
    form.append('avatar', new File(['x'], 'x.png'))
    const response = new Response(form)
    const body = new Uint8Array(await response.arrayBuffer())
    expect(await parseGatewayBody(response.headers.get('content-type') ?? '', body)).toEqual({ id: '1' })
    expect(await parseGatewayBody('application/x-www-form-urlencoded', bytes('id=1&id=2'))).toEqual({ id: '1' })
  })

  it.each(['', '   ', '[]', '"x"', 'null', '5', '{', '{}', 'hello world', '--x', '--x\r\n\r\n--x--', '=5', '\0'])(
    'of %j has no fields',
    async (text) => {
      for (const type of [
        '',
        'application/json',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
      ]) {
        expect(await parseGatewayBody(type, bytes(text))).toBeNull()
      }
    },
  )

  it('that names prototypes gives plain fields and changes no prototype', async () => {
    const fields = await parseGatewayBody('application/x-www-form-urlencoded', bytes('__proto__=x&constructor=y'))
    expect(Object.getPrototypeOf(fields)).toBe(Object.prototype)
    expect(Object.hasOwn(fields ?? {}, '__proto__')).toBe(true)
    expect(Reflect.get({}, 'x')).toBeUndefined()
  })

  it('of any bytes and any content type is read or not, and never fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.constantFrom('application/json', 'multipart/form-data; boundary=x', 'multipart/form-data; boundary="'),
        ),
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.json().map(bytes),
          fc.string().map((text) => bytes(`--x\r\n${text}\r\n--x--`)),
          fc.string().map((text) => bytes(`id=${text}`)),
        ),
        async (type, body) => {
          const fields = await parseGatewayBody(type, body)
          expect(fields === null || typeof fields === 'object').toBe(true)
        },
      ),
    )
  })
})
