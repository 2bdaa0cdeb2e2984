import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Received = { url: string; contentType: string; body: string }

/** What stands for the booking system and the operators' alert channel: it keeps what it gets and says 200. */
export type Sink = { url: string; received: Received[]; close(): Promise<void> }

export async function startSink(): Promise<Sink> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const contentType = request.headers['content-type'] ?? ''
      received.push({ url: request.url ?? '', contentType, body: Buffer.concat(chunks).toString('utf8') })
      response.end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
