import { expect, it } from 'vitest'
import { drawApiKey, hashApiKey, isApiKey, keyNameProblem } from '../../../src/domain/api-key.ts'
import { maskText } from '../../../src/logging/mask.ts'

it('a key is new each time, is recognised by its form, and is masked in a log', () => {
  const keys = Array.from({ length: 100 }, drawApiKey)
  expect(new Set(keys).size).toBe(100)
  for (const key of keys) {
    expect(key).toMatch(/^lu_[\w-]{43}$/)
    expect(isApiKey(key)).toBe(true)
    expect(maskText(`sent ${key} along`)).toBe('sent [masked] along')
    expect(maskText(`key=${key}, "${key}"`)).not.toContain(key.slice(3, 20))
  }
})

it('what is not a key of ours is told by its form alone', () => {
  const key = drawApiKey()
  for (const other of ['', 'lu_', key.slice(0, -1), `${key}x`, ` ${key}`, key.toUpperCase(), `lx${key.slice(2)}`]) {
    expect(isApiKey(other)).toBe(false)
  }
})

it('the hash is the SHA-256 of the key, so that any tool can find a key in the table', () => {
  expect(hashApiKey('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(hashApiKey(`lu_${'a'.repeat(43)}`)).toBe('64f5759c2c0327800f302534a0bfee0c9823dd7b6c24a25974ac9adbb3d2cff9')
})

it.each(['n8n', 'web-form', 'jane.doe', 'a', 'a'.repeat(63)])('%s may name a key', (name) => {
  expect(keyNameProblem(name)).toBeNull()
})

it.each(['', '7', '-a', 'A', 'a b', 'a\n', 'ä', 'a'.repeat(64), 'admin', 'operator', 'cli', 'retention', 'system'])(
  '%j may not name a key',
  (name) => {
    expect(keyNameProblem(name)).not.toBeNull()
  },
)
