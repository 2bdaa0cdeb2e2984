import { afterAll } from 'vitest'
import { describeHandle, openHandles } from './handles.ts'

/** What was told to close needs a moment; what was forgotten never goes. */
const GRACE_MS = 3000
const POLL_MS = 20

const before = new Set(openHandles())

// Registered before any hook of the test file, and `after` hooks run in reverse: this one runs last.
afterAll(async () => {
  const deadline = Date.now() + GRACE_MS
  let left = opened()
  while (left.length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    left = opened()
  }
  if (left.length > 0) throw new Error(`this test file left open:\n${left.map((name) => `  ${name}`).join('\n')}`)
}, GRACE_MS + 2000)

function opened(): string[] {
  return openHandles()
    .filter((handle) => !before.has(handle))
    .map(describeHandle)
}
