import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { STRIPE_EVENT_TYPES } from '../../src/domain/stripe-event.ts'

const root = join(import.meta.dirname, '..', '..')
const documents = globSync(['*.md', 'docs/**/*.md', 'bench/*.md'], { cwd: root })

/** A document without what is quoted in it. */
const read = (path: string) => readFileSync(join(root, path), 'utf8').replace(/^```[\s\S]*?^```/gm, '')

/** The anchors that GitHub gives a document's headings. */
function anchorsOf(path: string): string[] {
  const headings = read(path).matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

function leadsSomewhere(from: string, link: string): boolean {
  const [file = '', anchor] = link.split('#')
  const path = file === '' ? from : normalize(join(dirname(from), file))
  return existsSync(join(root, path)) && (anchor === undefined || anchorsOf(path).includes(anchor))
}

test('there are documents to look at', () => expect(documents).toContain('README.md'))

test.each(documents)('every link within the project that %s has leads to a file and a heading', (path) => {
  const links = [...read(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  const dead = links.filter((link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(path, link))
  expect(dead).toEqual([])
})

test('an endpoint at Stripe that was set up as the documents say sends every event that means something here, and no other', () => {
  const text = readFileSync(join(root, 'docs/going-live.md'), 'utf8')
  const [, listed = ''] = /with exactly these events:\s+```text([\s\S]*?)```/.exec(text) ?? []
  expect(listed.trim().split(/\s+/).toSorted()).toEqual(STRIPE_EVENT_TYPES.toSorted())
})

test('the contribution guide says of every folder of src/db once what it is about', () => {
  const [, table = ''] = /The folders of `src\/db`:\n\n([\s\S]*?)\n\n/.exec(read('CONTRIBUTING.md')) ?? []
  const named = [...table.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([\w-]+)`/g)].map(([, name]) => name),
  )
  const folders = globSync('*', { cwd: join(root, 'src/db'), withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  expect(named.toSorted()).toEqual(folders.map(({ name }) => name).toSorted())
})
