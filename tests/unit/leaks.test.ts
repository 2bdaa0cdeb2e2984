import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { describeHandle, openHandles } from '../support/handles.ts'

describe('the check that a test file closes what it opened', () => {
  let before: Set<object>
  const opened = () =>
    openHandles()
      .filter((handle) => !before.has(handle))
      .map(describeHandle)

  beforeEach(() => {
    before = new Set(openHandles())
  })
  afterEach(async () => {
    await vi.waitUntil(() => opened().length === 0)
  })

  test('names a server, and both ends of a connection to it, until they are closed', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const client = connect(port, '127.0.0.1')
    await Promise.all([once(client, 'connect'), once(server, 'connection')])
    expect(opened()).toContain(`server listening on ${JSON.stringify(address)}`)
    expect(opened()).toContain(`connection from port ${client.localPort} to 127.0.0.1:${port}`)
    client.destroy()
    server.close()
  })

  test('names a child process until it is gone', async () => {
    const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    await once(child, 'spawn')
    expect(opened()).toEqual([`child process ${child.pid} (${process.execPath})`])
    child.kill()
    await once(child, 'exit')
  })
})
