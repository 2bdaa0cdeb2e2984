import type { Duplex } from 'node:stream'
import type { PoolClient } from 'pg'

/** The socket below a connection, which the driver's types do not tell of: to end one without asking the server. */
export function streamOf(client: PoolClient): Duplex {
  return Reflect.get(Object(Reflect.get(client, 'connection')), 'stream')
}
