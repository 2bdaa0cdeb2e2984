import { once } from 'node:events'
import { createServer } from 'node:net'
import { freePort } from './embedded/free-port.ts'
import { hasCode } from './processes/system-error.ts'

export type Ports = { api: number; worker: number; sandbox: number }

/** What the API listens on, and what else `localhost` means to a browser, which asks there first. */
const ADDRESSES = ['0.0.0.0', '::1']

/** Whether a server can listen on this port of every address of the machine, and is then found at localhost. */
export async function canListenOn(port: number): Promise<boolean> {
  for (const address of ADDRESSES) if (!(await canListenAt(address, port))) return false
  return true
}

async function canListenAt(address: string, port: number): Promise<boolean> {
  const server = createServer()
  server.listen(port, address)
  try {
    await once(server, 'listening')
  } catch (error) {
    // Without IPv6 nothing else can be there. Otherwise it is taken, or not ours to take: another port has to do.
    return hasCode(error, 'EADDRNOTAVAIL') || hasCode(error, 'EAFNOSUPPORT')
  }
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return true
}

/**
 * Where the API, the worker and the sandbox's pages listen.
 * @param last where they listened last time; taken again where it is free
 * @param wanted what PORT says, where nothing else will do for the API; any port when it is 0
 * @throws when that is not free, or no port
 */
export async function choosePorts(last: Partial<Ports>, wanted: string | undefined): Promise<Ports> {
  return {
    api: wanted ? await portAskedFor(wanted) : await portFor(last.api),
    worker: await portFor(last.worker),
    sandbox: await portFor(last.sandbox),
  }
}

/** The port of the last run where it is still free, else any. */
export async function portFor(last: number | undefined): Promise<number> {
  return last !== undefined && (await canListenOn(last)) ? last : freePort()
}

async function portAskedFor(wanted: string): Promise<number> {
  const port = Number(wanted)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`PORT ${wanted} is not a port number.`)
  if (port === 0) return freePort()
  if (!(await canListenOn(port))) throw new Error(`PORT ${wanted} is not free.`)
  return port
}
