import { once } from 'node:events'
import { createServer } from 'node:net'

/** Whether a server can listen on this port, on every address of the machine as the API does. */
export async function canListenOn(port: number): Promise<boolean> {
  const server = createServer()
  server.listen(port, '0.0.0.0')
  try {
    await once(server, 'listening')
  } catch {
    // Taken, or not ours to take: either way another port has to do.
    return false
  }
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return true
}
