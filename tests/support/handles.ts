import { ChildProcess } from 'node:child_process'
import { Server, Socket } from 'node:net'

/**
 * What keeps this process alive: sockets, servers, child processes, file watchers. Idle connections that an HTTP agent
 * keeps for reuse do not, and are not listed. Node has no public way to get at the objects:
 * `process.getActiveResourcesInfo()` has their kinds only, which would not tell whose socket it was.
 */
export function openHandles(): object[] {
  const list: unknown = Reflect.get(process, '_getActiveHandles')
  if (typeof list !== 'function') throw new Error('this version of Node does not list active handles')
  return list.call(process)
}

/** Names a handle so that whoever reads the failure knows which one it was. */
export function describeHandle(handle: object): string {
  if (handle instanceof Server) return `server listening on ${JSON.stringify(handle.address())}`
  if (handle instanceof ChildProcess) return `child process ${handle.pid} (${handle.spawnfile})`
  if (handle instanceof Socket) {
    if (handle.remotePort === undefined) return 'pipe, or socket that is not connected'
    return `connection from port ${handle.localPort} to ${handle.remoteAddress}:${handle.remotePort}`
  }
  return handle.constructor.name
}
