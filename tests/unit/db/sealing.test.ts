import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { createSealer, UnsealError } from '../../../src/db/sealing/sealing.ts'

const PLACE = 'leads.client_email:lead_abc12345'
const sealer = createSealer([{ id: 'k1', key: randomBytes(32) }])

it.each(['', 'sarah.johnson@email.com'])('%j from which anything was cut off opens no more', (value) => {
  const sealed = sealer.seal(value, PLACE)
  expect(sealer.open(sealed, PLACE)).toBe(value)
  const [format, id, data = ''] = sealed.split('.')
  const bytes = Buffer.from(data, 'base64url')
  for (let length = 0; length < bytes.length; length += 1) {
    const cut = [format, id, bytes.subarray(0, length).toString('base64url')].join('.')
    expect(() => sealer.open(cut, PLACE), `${length} of ${bytes.length} bytes`).toThrow(UnsealError)
  }
})
