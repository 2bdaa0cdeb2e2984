import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { call, startEmulator, startReceiver } from './sandbox-textmagic-harness.ts'

let folder: string
let stateFile: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'textmagic-'))
  stateFile = join(folder, 'state', 'textmagic.json')
})

afterEach(() => rm(folder, { recursive: true }))

const body = { text: 'Hello', phones: '12025550101', referenceId: 42 }

test('messages, replies and unsubscribers outlive a restart, and no id is given out twice', async () => {
  const first = await startEmulator({ stateFile })
  await call(first, 'POST', '/api/v2/messages', body)
  await first.reply({ from: '12025550101', text: 'STOP' })
  await first.close()

  const second = await startEmulator({ stateFile })
  expect(second.messages()).toEqual(first.messages())
  expect(second.replies()).toEqual(first.replies())
  expect(second.isUnsubscribed('12025550101')).toBe(true)
  const sent = await call(second, 'POST', '/api/v2/messages', { ...body, phones: '12025550102' })
  expect(sent.body).toMatchObject({ id: 49576010, sessionId: 34436601 })
  expect((await second.reply({ from: '12025550102', text: 'Y' })).id).toBe(1782833)
  await second.close()
})

test('a send is in the file before it is answered, so that a killed process loses none', async () => {
  const emulator = await startEmulator({ stateFile })
  const sends = Array.from({ length: 20 }, async () => {
    const { body: answer } = await call(emulator, 'POST', '/api/v2/messages', body)
    const kept = JSON.parse(await readFile(stateFile, 'utf8'))
    expect(kept.account.messages).toContainEqual(expect.objectContaining({ id: answer.id }))
  })
  await Promise.all(sends)
  await emulator.close()
  expect(await readdir(join(folder, 'state'))).toEqual(['textmagic.json'])
})

test('a message whose receipt was due when the emulator stopped gets it after the restart', async () => {
  const first = await startEmulator({ stateFile, receipts: 'auto', deliveryDelayMs: 60_000 })
  await call(first, 'POST', '/api/v2/messages', body)
  await first.close()

  const receiver = await startReceiver()
  const second = await startEmulator({ stateFile, receipts: 'auto', deliveryUrl: `${receiver.url}/receipts` })
  await second.settled()
  expect(receiver.received.map(({ fields }) => [fields.id, fields.status])).toEqual([[49576009, 'd']])
  await second.close()
  await receiver.close()
})

test('a state file that is not one of ours is refused and left as it is', async () => {
  stateFile = join(folder, 'other.json')
  await writeFile(stateFile, '{"version":1}')
  await expect(startEmulator({ stateFile })).rejects.toThrow('is not a TextMagic emulator state file')
  expect(await readFile(stateFile, 'utf8')).toBe('{"version":1}')
})
