import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { testRedis } from '../support/stores.ts'

export type SilentRedis = {
  url: string
  /** From now on what is sent arrives nowhere. */
  hush(): void
  /** Ends when something was sent since. */
  sentInVain: Promise<void>
  /** Ends every connection. */
  close(): Promise<void>
}

/** The run's Redis, behind a connection that can be made to hang: what is sent arrives nowhere, and it stays open. */
export async function startSilentRedis(): Promise<SilentRedis> {
  const real = new URL(testRedis().url)
  const sockets = new Set<Socket>()
  const inVain = Promise.withResolvers<void>()
  let hushed = false
  const relay = createServer((near) => {
    const far = connect(Number(real.port), real.hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (data) => {
        if (hushed) inVain.resolve()
        else to.write(data)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
    }
  })
  await once(relay.listen(0, '127.0.0.1'), 'listening')
  const url = new URL(real)
  url.host = `127.0.0.1:${(relay.address() as AddressInfo).port}`
  return {
    url: url.href,
    hush() {
      hushed = true
    },
    sentInVain: inVain.promise,
    async close() {
      relay.close()
      for (const socket of sockets) socket.destroy()
      await once(relay, 'close')
    },
  }
}
