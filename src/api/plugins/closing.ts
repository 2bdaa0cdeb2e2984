import type { App } from '../deps.ts'

/** Node takes 0 for no end at all. */
const SHORTEST_MS = 1

/**
 * Lets the last answers end their connections. Only idle connections are closed when a stop begins; one that is answered
 * later would be kept alive, and the process with it. One whose headers are sent already, as of an export, cannot say so.
 */
export function endConnectionsWhenClosing(app: App): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
    app.server.keepAliveTimeout = SHORTEST_MS
  })
  app.addHook('onSend', async (_request, reply, payload) => {
    if (closing) reply.header('connection', 'close')
    return payload
  })
}
