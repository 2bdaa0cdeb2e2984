import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ESCALATION_KINDS } from '../../src/db/escalations.ts'

const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8')

/** What the runbook says of each kind; several may share a heading. */
function sections(): Map<string, string> {
  const chapter = /^## Escalations by kind\n([\s\S]*?)^## /m.exec(runbook)?.[1] ?? ''
  const found = new Map<string, string>()
  for (const section of chapter.split(/^### /m).slice(1)) {
    const [heading = '', ...text] = section.split('\n')
    for (const kind of heading.split(', ')) found.set(kind, text.join('\n'))
  }
  return found
}

test('the runbook has a heading for each kind of escalation, and for no other', () => {
  expect([...sections().keys()].sort()).toEqual([...ESCALATION_KINDS].sort())
})

test.each(ESCALATION_KINDS)('the runbook says of %s where to look, what to do, and how it is resolved', (kind) => {
  const text = sections().get(kind) ?? ''
  expect(text).toMatch(/^- Where: /m)
  expect(text).toMatch(/^- Do: /m)
  expect(text).toMatch(/^- Resolve(s by itself| it)/m)
})
