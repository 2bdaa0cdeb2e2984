import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ESCALATION_KINDS } from '../../src/db/escalations/escalations.ts'

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

/** Codes as the code base throws or notes them: those that a job fails with, a message has, and escalations quote. */
function codesOfFailures(): string[] {
  const src = join(import.meta.dirname, '..', '..', 'src')
  const files = globSync(['gateways/**/*.ts', 'workers/**/*.ts'], { cwd: src })
  const thrown = /(?:NotDone|Refused|Unclear|Final)Error\(([^)]*)/g
  const codes = files.flatMap((file) => {
    const calls = [...readFileSync(join(src, file), 'utf8').matchAll(thrown)]
    return calls.flatMap(([, first = '']) => [...(first.split(', ')[0] ?? '').matchAll(/'([a-z0-9_]+)'/g)])
  })
  const noted = files.flatMap((file) => [
    ...readFileSync(join(src, file), 'utf8').matchAll(/record(?:Absent|Unclear|Refused)\(.*'([a-z0-9_]+)'\)/g),
  ])
  return [...new Set([...codes, ...noted].map(([, code = '']) => code))].sort()
}

test('the runbook says what each code of a failure means', () => {
  const table = /^## Codes of failures\n([\s\S]*?)^## /m.exec(runbook)?.[1] ?? ''
  const codes = codesOfFailures()
  expect(codes).toEqual(
    expect.arrayContaining(['not_found_at_gateway', 'replayable_500', 'timeout', 'unreachable', 'unreadable_event']),
  )
  expect(codes.filter((code) => !table.includes(`\`${code}\``))).toEqual([])
})
