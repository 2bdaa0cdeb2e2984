import { afterEach, beforeEach, expect, test } from 'vitest'
import type { StateDirectory } from '../../src/sandbox/processes/state-directory.ts'
import { runSandboxProgram } from './sandbox.ts'
import { temporaryState } from './state.ts'

let state: StateDirectory

beforeEach(async () => {
  state = await temporaryState()
})
afterEach(() => state.close())

test('npm run demo tells the whole story once, whatever the hour and the proxy that Node is told to ask, and ends with 0', {
  timeout: 180_000,
}, async () => {
  const quiet = { QUIET_HOURS: '00:01-00:00', DEFAULT_TIME_ZONES: 'America/New_York' }
  const shell = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:1', ...quiet }
  const { process, output } = await runSandboxProgram('demo', state.dir, shell)
  const { code } = await process.exited
  expect(code, output()).toBe(0)
  // The teaser may be there before the answer to the admin is.
  inOrder(output(), [/POST \/api\/leads {2}-> {2}201/, /"status": "NEW_LEAD"/])
  inOrder(output(), [
    /SMS to Amy/,
    /\| Amy, new client inquiry in Miami\..+ Lead lead_\w{8}\./,
    /Amy \(\+13055550160\) texts/,
    /\| Y$/m,
    /\| Amy, complete your \$20 payment to unlock client details: http:\S+ \(Lead lead_\w{8}\)/,
    /\| Amy, here are the client details:/,
    /\| Name: Sarah Johnson/,
    /\| Gold Touch List provides advertising access/,
    /GET \/api\/unlocks\/\d+ {2}-> {2}200/,
    /"to_status": "DONE"/,
    /The story is complete: paid, revealed, delivered\./,
  ])
})

function inOrder(text: string, story: readonly RegExp[]): void {
  let rest = text
  for (const step of story) {
    const found = step.exec(rest)
    expect(found, `${step} in:\n${rest}`).not.toBeNull()
    rest = rest.slice((found?.index ?? 0) + (found?.[0].length ?? 0))
  }
}
