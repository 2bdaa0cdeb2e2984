import { expect, it } from 'vitest'
import { serialOf } from '../../../src/api/ids.ts'

it.each([
  ['1', 1],
  ['2147483647', 2_147_483_647],
  ['2147483648', null],
  ['9999999999', null],
  ['0', null],
  ['01', null],
  ['-1', null],
  ['1.5', null],
  ['1e3', null],
  [' 1', null],
  ['', null],
  ['lead_abc12345', null],
])('%j names the serial number %s: what no row can have is not asked for', (text, id) => {
  expect(serialOf(text)).toBe(id)
})
