import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MUTATIONS } from '../simulation/mutation-list.ts'

test.each(MUTATIONS)('the code still says what is to be broken: $name', ({ file, from, to }) => {
  const source = readFileSync(join(import.meta.dirname, '../..', file), 'utf8')
  expect(source.split(from), file).toHaveLength(2)
  expect(to).not.toBe(from)
})
