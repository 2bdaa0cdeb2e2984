import { createServer, type IncomingMessage } from 'node:http'

export type Answer = { status: number; contentType: string; body: string; headers?: Record<string, string> }

/** What is answered at each path; a request that is not for one of them gets a 404. */
export type Routes = Readonly<Record<string, (request: IncomingMessage) => Promise<Answer>>>

export type HealthServer = { port: number; close(): Promise<void> }

/** A probe has a short question, or is none. */
const REQUEST_TIMEOUT_MS = 5_000

/**
 * Listens on all IPv4 addresses for the probes of the platform and the scrapes of Prometheus.
 *
 * @param port 0 for any that is free
 * @param onError told of an answer that failed; it is answered 500
 * @throws when the port is taken
 */
export async function serveHealth(
  port: number,
  routes: Routes,
  onError: (error: unknown) => void,
): Promise<HealthServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS })
  server.on('request', async (request, response) => {
    const { status, contentType, body, headers } = await answer(routes, request, onError)
    // A connection that is kept would keep the process from ending.
    response.writeHead(status, {
      'content-type': contentType,
      'cache-control': 'no-store',
      connection: 'close',
      ...headers,
    })
    response.end(body)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '0.0.0.0', () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  let closing: Promise<void> | undefined
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close() {
      closing ??= new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      })
      return closing
    },
  }
}

/** An answer in JSON. */
export function json(status: number, value: object, headers?: Record<string, string>): Answer {
  return { status, contentType: 'application/json', body: JSON.stringify(value), ...(headers && { headers }) }
}

async function answer(routes: Routes, request: IncomingMessage, onError: (error: unknown) => void): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { status: 'method not allowed' })
  const [path = ''] = (request.url ?? '').split('?')
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (route === undefined) return json(404, { status: 'not found' })
  try {
    return await route(request)
  } catch (error) {
    onError(error)
    return json(500, { status: 'failed' })
  }
}
