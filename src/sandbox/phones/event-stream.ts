import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** Milliseconds within which several changes are told as one. */
const gather = 50

/**
 * Serves `path` as Server-Sent Events: a `change` event after each change, without content, because the page fetches
 * what it shows. Closing the app ends the open streams.
 */
export function registerEventStream(
  app: FastifyInstance,
  path: string,
  onChange: (listener: () => void) => () => void,
): void {
  const streams = new Set<ServerResponse>()
  let timer: NodeJS.Timeout | undefined

  const announce = () => {
    timer = undefined
    for (const stream of streams) stream.write('event: change\ndata: {}\n\n')
  }
  const stop = onChange(() => {
    timer ??= setTimeout(announce, gather)
  })

  app.get(path, (request, reply) => {
    reply.hijack()
    const stream = reply.raw
    // Not kept alive: once ended, an idle connection would keep the server from closing.
    stream.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close' })
    stream.write('retry: 1000\n\n')
    streams.add(stream)
    request.raw.on('close', () => streams.delete(stream))
  })

  app.addHook('preClose', async () => {
    stop()
    clearTimeout(timer)
    for (const stream of streams) stream.end()
  })
}
