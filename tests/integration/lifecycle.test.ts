import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { runProgram } from './embedded-harness.ts'

const run = (manner: string, timeoutMs: number) => runProgram('lifecycle-program.ts', [manner, String(timeoutMs)])
/** Longer than a test may take: whoever waited for it has failed. */
const LONG_MS = 3_600_000
/** Within that time a signal that comes again is the same one, milliseconds. */
const SAME_SIGNAL_MS = 1_000

describe('a process that is told to stop', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('by %s closes what it runs and ends with 0', async (signal) => {
    const { child, line, exit, output } = await run('orderly', LONG_MS)
    await line('working')
    child.kill(signal)
    expect(await exit).toEqual({ code: 0, signal: null })
    expect(output()).toContain('"msg":"closing"')
  })

  it('and does not come to its end ends with 1 when its time is up', async () => {
    const { child, line, exit, output } = await run('hanging', 100)
    await line('working')
    child.kill('SIGTERM')
    expect(await exit).toEqual({ code: 1, signal: null })
    expect(output()).toContain('did not stop in time')
  })

  it('a second time, a second later, ends at once, with 1', async () => {
    const { child, line, exit, output } = await run('hanging', LONG_MS)
    await line('working')
    child.kill('SIGTERM')
    await line('closing')
    await delay(SAME_SIGNAL_MS)
    child.kill('SIGTERM')
    expect(await exit).toEqual({ code: 1, signal: null })
    expect(output()).toContain('asked to stop again')
  })

  it('twice at once, as by a terminal and by npm, closes what it runs and ends with 0', async () => {
    const { child, line, exit, output } = await run('slow', LONG_MS)
    await line('working')
    child.kill('SIGINT')
    await line('closing')
    child.kill('SIGINT')
    expect(await exit).toEqual({ code: 0, signal: null })
    expect(output()).not.toContain('asked to stop again')
  })

  it('and cannot close what it runs says so and ends with 1', async () => {
    const { child, line, exit, output } = await run('failing', LONG_MS)
    await line('working')
    child.kill('SIGTERM')
    expect(await exit).toEqual({ code: 1, signal: null })
    expect(output()).toContain('stopping failed')
  })

  it('because it cannot go on closes what it runs all the same, however often that is found, and ends with 1', async () => {
    const { exit, output } = await run('fatal', LONG_MS)
    expect(await exit).toEqual({ code: 1, signal: null })
    expect(output()).toContain('"msg":"stopped"')
  })
})
