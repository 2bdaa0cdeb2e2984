import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FaultKind } from '../../src/sandbox/faults.ts'
import type { TextMagicEmulator } from '../../src/sandbox/textmagic/types.ts'
import { startEmulator } from './sandbox-textmagic-harness.ts'

let emulator: TextMagicEmulator

beforeEach(async () => {
  emulator = await startEmulator()
})

afterEach(() => emulator.close())

function send(signal: AbortSignal = AbortSignal.timeout(10_000)) {
  return fetch(`${emulator.url}/api/v2/messages`, {
    method: 'POST',
    headers: { 'X-TM-Username': 'tester', 'X-TM-Key': 'test-key', 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'Hello', phones: '12025550101', referenceId: 42 }),
    signal,
  })
}

const onSend = { method: 'POST', path: '/api/v2/messages' }

test.each([429, 500, 503, 400])('a send told to answer %i does so once and accepts nothing', async (status) => {
  emulator.faults.add({ kind: 'status', status, body: { code: status, errors: null }, ...onSend })
  const response = await send()
  expect([response.status, await response.json()]).toEqual([status, { code: status, errors: null }])
  expect(emulator.messages()).toHaveLength(0)
  expect((await send()).status).toBe(201)
})

test('a send accepted and then answered 500 is found among the sessions by its reference', async () => {
  emulator.faults.add({ kind: 'accept_then_status', status: 500, ...onSend })
  expect((await send()).status).toBe(500)
  const sessions = await fetch(`${emulator.url}/api/v2/sessions`, {
    headers: { 'X-TM-Username': 'tester', 'X-TM-Key': 'test-key' },
  })
  expect(await sessions.json()).toMatchObject({ resources: [{ referenceId: '42' }] })
})

test.each<[FaultKind, number]>([
  ['drop', 0],
  ['accept_then_drop', 1],
])('%s breaks the connection, having accepted %i messages', async (kind, accepted) => {
  emulator.faults.add({ kind, ...onSend })
  await expect(send()).rejects.toThrow('fetch failed')
  expect(emulator.messages()).toHaveLength(accepted)
})

test.each<[FaultKind, number]>([
  ['hang', 0],
  ['accept_then_hang', 1],
])('%s leaves the client waiting, having accepted %i messages, and does not keep the server open', async (kind, n) => {
  emulator.faults.add({ kind, ...onSend })
  const outcome = send(AbortSignal.timeout(30_000)).then(
    () => 'answered',
    () => 'broken off',
  )
  await expect.poll(() => [emulator.maxPerSecond(), emulator.messages().length], { timeout: 10_000 }).toEqual([1, n])
  // Whatever arrives later is answered all the same: only the one request hangs.
  expect((await send()).status).toBe(201)
  await emulator.close()
  expect(await outcome).toBe('broken off')
})

test('slow answers late but in full', async () => {
  emulator.faults.add({ kind: 'slow', delay_ms: 30, ...onSend })
  const started = performance.now()
  expect((await send()).status).toBe(201)
  expect(performance.now() - started).toBeGreaterThanOrEqual(29)
})

test('faults can be set, listed and cleared over HTTP, and a misspelt one is refused', async () => {
  const control = (method: string, body?: object) =>
    fetch(`${emulator.url}/_control/faults`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
  expect((await control('POST', { kind: 'status', status: 503, times: null })).status).toBe(204)
  expect([(await send()).status, (await send()).status]).toEqual([503, 503])
  expect(await (await control('GET')).json()).toEqual([{ kind: 'status', status: 503, times: null }])
  expect((await control('DELETE')).status).toBe(204)
  expect((await send()).status).toBe(201)
  expect((await control('POST', { kind: 'status', statsu: 503 })).status).toBe(400)
})
