import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const page = read('docs/security.md')

type Named = { file: string; title: string }

/** The tests that a text names, as `tests/…/file.test.ts › "exact test title"`. */
const namedIn = (text: string): Named[] =>
  [...text.matchAll(/`(tests\/[^`]+?) › "([^`]+)"`/g)].map(([, file = '', title = '']) => ({ file, title }))

/** Whether a file has a test of this title: what is between quotes after `it(`, `test(`, or the cases of either. */
function hasTest({ file, title }: Named): boolean {
  if (!existsSync(new URL(file, root))) return false
  const quoted = title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll("'", "\\\\?'")
  const called = String.raw`\b(?:it|test)(?:\.\w+)?|\]\)|\)`
  return new RegExp(String.raw`(?:${called})\(\s*(['"])${quoted}\1`).test(read(file))
}

const POINTS = Array.from({ length: 10 }, (_, index) => `API${index + 1}`)
const chapter = (point: string) => page.split(/^## /m).find((text) => text.startsWith(`${point} `)) ?? ''

describe('docs/security.md', () => {
  it.each(namedIn(page).map((named) => [`${named.file} › ${named.title}`, named] as const))(
    'names a test that exists: %s',
    (_name, named) => {
      expect(hasTest(named)).toBe(true)
    },
  )

  it.each(POINTS)('names a test that shows %s, and says what is not protected', (point) => {
    expect(namedIn(chapter(point)).length).toBeGreaterThan(0)
    expect(chapter(point)).toContain('**Not protected:**')
  })

  it('mentions no test in another form, which nobody would look for', () => {
    const mentions = [...page.matchAll(/tests\//g)].length
    expect(namedIn(page)).toHaveLength(mentions)
  })
})

describe('a test that does not exist', () => {
  const file = 'tests/unit/security.test.ts'
  it.each([
    { file: 'tests/unit/none.test.ts', title: 'names a test that exists: %s' },
    { file, title: 'names a test that exists' },
    { file, title: 'docs/security.md' },
  ])('is noticed: $title', (named) => {
    expect(hasTest(named)).toBe(false)
  })

  it('is told from one that does', () => {
    expect(hasTest({ file, title: 'names a test that exists: %s' })).toBe(true)
    expect(hasTest({ file, title: 'is noticed: $title' })).toBe(true)
  })
})
