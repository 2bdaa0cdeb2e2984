import { describe, expect, it } from 'vitest'
import { runProgram } from './embedded-harness.ts'

const run = (manner: string, timeoutMs: number) => runProgram('lifecycle-program.ts', [manner, String(timeoutMs)])
const LONG_MS = 60_000

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

  it('and cannot close what it runs says so and ends with 1', async () => {
    const { child, line, exit, output } = await run('failing', LONG_MS)
    await line('working')
    child.kill('SIGTERM')
    expect(await exit).toEqual({ code: 1, signal: null })
    expect(output()).toContain('stopping failed')
  })

  it('because it cannot go on closes what it runs all the same, and ends with 1', async () => {
    const { exit, output } = await run('fatal', LONG_MS)
    expect(await exit).toEqual({ code: 1, signal: null })
    expect(output()).toContain('"msg":"closing"')
  })
})
