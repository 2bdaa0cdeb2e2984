import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../src/sandbox/embedded/free-port.ts'
import { canListenOn, choosePorts } from '../../src/sandbox/ports.ts'

/** Something else that listens on this port of `host`. */
async function occupy(port: number, host: string): Promise<void> {
  const server = createServer().listen(port, host)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
}

test.each(['127.0.0.1', '0.0.0.0', '::1'])('a port on which something listens at %s is not free', async (host) => {
  const port = await freePort()
  expect(await canListenOn(port)).toBe(true)
  await occupy(port, host)
  expect(await canListenOn(port)).toBe(false)
})

test('the ports of the last run are kept where they are free, and a PORT that is asked for is insisted on', async () => {
  const [api, worker, sandbox] = [await freePort(), await freePort(), await freePort()]
  expect(await choosePorts({ api, worker, sandbox }, undefined)).toEqual({ api, worker, sandbox })
  await occupy(api, '127.0.0.1')
  expect((await choosePorts({ api, worker, sandbox }, undefined)).api).not.toBe(api)
  await expect(choosePorts({}, String(api))).rejects.toThrow(`PORT ${api} is not free`)
})

test('PORT=0 is any free port, as everywhere else', async () => {
  expect((await choosePorts({}, '0')).api).toBeGreaterThan(0)
})

test.each(['abc', '70000', '-1', '3000.5'])('PORT=%s is refused with words', async (wanted) => {
  await expect(choosePorts({}, wanted)).rejects.toThrow(`PORT ${wanted} is not a port number`)
})
