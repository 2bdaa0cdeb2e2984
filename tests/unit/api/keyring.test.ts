import { expect, it } from 'vitest'
import { createKeyring, isSameSecret } from '../../../src/api/auth/keyring.ts'

it('a key tells whose it is, and no other text does', () => {
  const identify = createKeyring({ admin: 'key-of-admin', operator: 'key-of-operator' })
  expect(identify('key-of-admin')).toBe('admin')
  expect(identify('key-of-operator')).toBe('operator')
  for (const wrong of ['', 'key', 'key-of-admin ', 'KEY-OF-ADMIN', 'null', 'x'.repeat(100_000)]) {
    expect(identify(wrong)).toBeNull()
  }
})

it('a name without a key matches nothing', () => {
  const identify = createKeyring({ admin: 'key-of-admin', operator: null })
  for (const wrong of ['', 'null', 'undefined']) expect(identify(wrong)).toBeNull()
})

it('secrets of any length are compared without failing', () => {
  expect(isSameSecret('ü', 'ü')).toBe(true)
  expect(isSameSecret('', 'x')).toBe(false)
  expect(isSameSecret('x'.repeat(1_000_000), 'x')).toBe(false)
})
