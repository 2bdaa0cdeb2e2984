import type { App } from '../deps.ts'

/**
 * Lets the last answers end their connections. Only idle connections are closed when a stop begins; one that is answered
 * later would be kept alive, and the process with it.
 */
export function endConnectionsWhenClosing(app: App): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onSend', async (_request, reply, payload) => {
    if (closing) reply.header('connection', 'close')
    return payload
  })
}
