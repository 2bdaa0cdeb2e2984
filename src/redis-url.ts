import { isIPv6 } from 'node:net'

export type RedisNode = { host: string; port: number }

/** What one REDIS_URL says: which servers, how they hang together, and how to sign in. */
export type RedisAddress = {
  /** Whether every connection is encrypted, and the server's certificate checked. */
  tls: boolean
  username: string | undefined
  password: string | undefined
  /** IP version to connect by; 0 takes what the name resolves to. */
  family: 0 | 4 | 6
} & (
  | { topology: 'single'; node: RedisNode; db: number }
  /** Any of the cluster's nodes: they know the others. A cluster has no database but 0. */
  | { topology: 'cluster'; nodes: RedisNode[] }
  /** The Sentinels, and the name under which they know the master. They have a sign-in of their own, or none. */
  | {
      topology: 'sentinel'
      nodes: RedisNode[]
      master: string
      db: number
      sentinelUsername: string | undefined
      sentinelPassword: string | undefined
    }
)

const FORM = /^(redis|rediss)(?:\+(cluster|sentinel))?:\/\/(?:([^/?#]*)@)?([^@/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i
const NODE = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?$/i
const REDIS_PORT = 6379
const SENTINEL_PORT = 26_379

const PARAMETERS = {
  single: ['db', 'family'],
  cluster: ['family'],
  sentinel: ['db', 'family', 'sentinel_username', 'sentinel_password'],
}

/**
 * Reads a Redis URL; `rediss` in place of `redis` means TLS.
 *
 *     redis://user:password@host:6379/0
 *     redis+cluster://user:password@host:6379,host:6379
 *     redis+sentinel://user:password@sentinel:26379,sentinel:26379/master/0?sentinel_password=…
 *
 * @throws RangeError that says what is wrong. Its message holds nothing of the value: it may be a secret.
 */
export function parseRedisUrl(text: string): RedisAddress {
  const [match, scheme = '', kind, userinfo, hosts = '', path = '', query = ''] = FORM.exec(text) ?? []
  if (match === undefined) throw new RangeError(`${FORMS} (special characters in a password are percent-encoded)`)
  const topology = topologyOf(kind)
  const parameters = readParameters(query, PARAMETERS[topology])
  const common = { tls: scheme.toLowerCase() === 'rediss', ...readUserinfo(userinfo), family: familyOf(parameters) }
  const nodes = readNodes(hosts, topology === 'sentinel' ? SENTINEL_PORT : REDIS_PORT)
  const [first, second, ...rest] = path.split('/').filter((part) => part !== '')
  if (rest.length > 0) throw new RangeError('there is too much after the hosts')
  if (topology === 'single') {
    const [node, another] = nodes
    if (node === undefined || another !== undefined) throw new RangeError(`several hosts take one of ${SEVERAL}`)
    if (second !== undefined) throw new RangeError('there is too much after the host')
    return { topology, ...common, node, db: databaseOf(first, parameters) }
  }
  if (topology === 'cluster') {
    if (first !== undefined) throw new RangeError('a cluster has no databases, so nothing comes after its hosts')
    return { topology, ...common, nodes }
  }
  if (first === undefined) throw new RangeError('after the Sentinels belongs /<name of the master>')
  return {
    topology,
    ...common,
    nodes,
    master: decode(first),
    db: databaseOf(second, parameters),
    sentinelUsername: parameters.get('sentinel_username') ?? undefined,
    sentinelPassword: parameters.get('sentinel_password') ?? undefined,
  }
}

const SEVERAL = 'redis+cluster:// and redis+sentinel://'
const FORMS = `it begins with none of redis://, ${SEVERAL} (rediss… for TLS), or is not a URL`

function topologyOf(kind: string | undefined): RedisAddress['topology'] {
  const lower = kind?.toLowerCase()
  return lower === 'cluster' || lower === 'sentinel' ? lower : 'single'
}

function readUserinfo(userinfo = ''): { username: string | undefined; password: string | undefined } {
  const [username = '', ...rest] = userinfo.split(':')
  const password = rest.join(':')
  if (username !== '' && password === '') {
    throw new RangeError('a user name needs a password; a password alone is written :password@')
  }
  return {
    username: username === '' ? undefined : decode(username),
    password: password === '' ? undefined : decode(password),
  }
}

function readNodes(hosts: string, defaultPort: number): RedisNode[] {
  return hosts.split(',').map((entry) => {
    const [, host, port = String(defaultPort)] = NODE.exec(entry.trim()) ?? []
    if (host === undefined) throw new RangeError('a host is missing or is not host:port')
    if (Number(port) < 1 || Number(port) > 65_535) throw new RangeError('a port is not a number from 1 to 65535')
    const bare = host.replace(/^\[|\]$/g, '')
    if (host !== bare && !isIPv6(bare)) throw new RangeError('a host in brackets is not an IPv6 address')
    return { host: bare, port: Number(port) }
  })
}

function readParameters(query: string, known: readonly string[]): URLSearchParams {
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) {
    if (!known.includes(name)) throw new RangeError(`after the ? may stand ${known.join(', ')}, and nothing else`)
  }
  return parameters
}

function databaseOf(inPath: string | undefined, parameters: URLSearchParams): number {
  const inQuery = parameters.get('db')
  if (inPath !== undefined && inQuery !== null) throw new RangeError('the database is given twice')
  const db = inPath ?? inQuery ?? '0'
  if (!/^[0-9]{1,5}$/.test(db)) throw new RangeError('the database is not a number')
  return Number(db)
}

function familyOf(parameters: URLSearchParams): 0 | 4 | 6 {
  const family = parameters.get('family') ?? '0'
  if (family !== '0' && family !== '4' && family !== '6') throw new RangeError('family is none of 0, 4 and 6')
  return family === '0' ? 0 : family === '4' ? 4 : 6
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    // A URIError holds the text.
    if (error instanceof URIError) throw new RangeError('a % is not followed by two hexadecimal digits')
    throw error
  }
}
