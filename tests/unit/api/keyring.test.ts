import { expect, it } from 'vitest'
import { createKeyring } from '../../../src/api/auth/keyring.ts'
import { isSameSecret } from '../../../src/domain/same-secret.ts'

const nothingStored = { find: async () => null }
const wrongs = ['', 'key', 'key-of-admin ', 'KEY-OF-ADMIN', 'null', 'undefined', 'x'.repeat(100_000)]

it('a key of the environment tells whose it is, and no other text does', async () => {
  const identify = createKeyring({ admin: 'key-of-admin', operator: 'key-of-operator' }, nothingStored)
  expect(await identify('key-of-admin')).toEqual({ id: 'env:admin', name: 'admin', role: 'admin' })
  expect(await identify('key-of-operator')).toEqual({ id: 'env:operator', name: 'operator', role: 'operator' })
  for (const wrong of wrongs) expect(await identify(wrong)).toBeNull()
})

it('a name without a key matches nothing', async () => {
  const identify = createKeyring({ admin: 'key-of-admin', operator: null }, nothingStored)
  for (const wrong of wrongs) expect(await identify(wrong)).toBeNull()
})

it('a key of the environment is recognised without asking the store, which may be away', async () => {
  const away = { find: () => Promise.reject(new Error('away')) }
  const identify = createKeyring({ admin: 'key-of-admin', operator: null }, away)
  expect(await identify('key-of-admin')).toMatchObject({ role: 'admin' })
  await expect(identify('another')).rejects.toThrow('away')
})

it('secrets of any length are compared without failing', () => {
  expect(isSameSecret('ü', 'ü')).toBe(true)
  expect(isSameSecret('', 'x')).toBe(false)
  expect(isSameSecret('x'.repeat(1_000_000), 'x')).toBe(false)
})
