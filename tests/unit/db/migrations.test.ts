import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { migrations } from '../../../src/db/migrations/index.ts'

const folder = join(import.meta.dirname, '../../../src/db/migrations')

it('every migration is listed under the name of its file, in the order of their numbers', () => {
  const files = readdirSync(folder).filter((file) => file !== 'index.ts')
  expect(migrations.map(({ name }) => `${name}.ts`)).toEqual(files.sort())
})

it('no two migrations have the same number', () => {
  const numbers = migrations.map(({ name }) => name.slice(0, 4))
  expect(new Set(numbers).size).toBe(numbers.length)
})
