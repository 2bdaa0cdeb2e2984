import { expect, it } from 'vitest'
import { databaseTrouble } from '../../../src/api/database-errors.ts'

const failed = (message: string, code?: string, cause?: Error) =>
  Object.assign(new Error(message, { cause }), code === undefined ? {} : { code })

it.each([
  'ECONNREFUSED',
  '08006',
  '28P01',
  '53100',
  '53300',
  '57P01',
  '57014',
  '55P03',
  '40P01',
  '42P01',
  '25006',
  '58030',
  'XX000',
])('after %s trying again may help', (code) => {
  expect(databaseTrouble(failed('x', code))).toBe('away')
  expect(databaseTrouble(failed('wrapped', undefined, failed('x', code)))).toBe('away')
})

it.each(['Connection terminated unexpectedly', 'timeout exceeded when trying to connect'])(
  'so it may after %j',
  (message) => {
    expect(databaseTrouble(failed(message))).toBe('away')
  },
)

it.each(['22008', '22021', '22003'])('%s is about the value', (code) => {
  expect(databaseTrouble(failed('x', code))).toBe('value')
})

it.each([failed('x', '23505'), failed('x', '42601'), failed('x'), 'text', null, undefined])(
  '%s is neither',
  (error) => {
    expect(databaseTrouble(error)).toBeNull()
  },
)
