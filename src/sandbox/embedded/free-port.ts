import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { hasCode } from '../processes/system-error.ts'

/**
 * Below the range from which operating systems take the ports of outgoing connections (32768 and up on Linux, 49152
 * elsewhere): there, any client could be given a server's port while that server restarts, and keep it from coming back.
 */
const LOWEST = 20_000
const HIGHEST = 32_000
const ATTEMPTS = 50

/** A TCP port of 127.0.0.1 that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST, HIGHEST)
    if (await canListen(port)) return port
  }
  throw new Error(`No free port found between ${LOWEST} and ${HIGHEST}.`)
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE') || hasCode(error, 'EACCES')) return false
    throw error
  } finally {
    await server[Symbol.asyncDispose]().catch((error: unknown) => {
      if (!hasCode(error, 'ERR_SERVER_NOT_RUNNING')) throw error
    })
  }
}

/**
 * Runs `start` with a free port, and again with another when something took that port in between.
 * @param start rejects with a message holding "address already in use" when the port is taken
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort())
    } catch (error) {
      const taken = error instanceof Error && /address already in use/i.test(error.message)
      if (!taken || attempt === 5) throw error
    }
  }
}
