import { isIP } from 'node:net'
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import { parseRedisUrl, type RedisAddress } from '../redis-url.ts'

/** All keys of this product; the braces keep them in one slot of a cluster. */
export const DEFAULT_PREFIX = '{lead-unlock}'

/** One server, the master that Sentinels name, or a cluster. */
export type RedisConnection = Redis | Cluster

/** How a connection behaves, whatever it leads to. */
type Manner = {
  /** Whether commands wait for a connection that is not there. */
  enableOfflineQueue: boolean
  options: Pick<
    RedisOptions,
    'maxRetriesPerRequest' | 'connectTimeout' | 'commandTimeout' | 'sentinelCommandTimeout' | 'socketTimeout'
  >
  cluster: Pick<ClusterOptions, 'maxRedirections' | 'retryDelayOnFailover' | 'retryDelayOnClusterDown'>
}

/** Then the next Sentinel is asked: one that takes connections and says nothing would be waited for as long as it does. */
const SENTINEL_ANSWERS_WITHIN_MS = 5_000

/**
 * A connection is made anew when nothing came on it for so long while a command waits for its answer: the other end may be
 * gone without a word, because a host lost its power or a network forgot it, and TCP would wait for it for a quarter of an
 * hour. One on which nothing was asked is left alone.
 */
const PRODUCER_SILENCE_MS = 10_000
/** Longer than BullMQ lets Redis wait for a job, 10 s at most. */
const WORKER_SILENCE_MS = 20_000

const PRODUCER: Manner = {
  enableOfflineQueue: false,
  options: {
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
    commandTimeout: 5_000,
    sentinelCommandTimeout: SENTINEL_ANSWERS_WITHIN_MS,
    socketTimeout: PRODUCER_SILENCE_MS,
  },
  cluster: {},
}

const WORKER: Manner = {
  enableOfflineQueue: true,
  options: {
    maxRetriesPerRequest: null,
    sentinelCommandTimeout: SENTINEL_ANSWERS_WITHIN_MS,
    socketTimeout: WORKER_SILENCE_MS,
  },
  // For 20 s: a failover takes a cluster some seconds, and a job done meanwhile had better say so than be done again.
  cluster: { maxRedirections: 40, retryDelayOnFailover: 500, retryDelayOnClusterDown: 500 },
}

const retryStrategy = (times: number) => Math.min(times * 100, 2_000)

/** How long a node of a cluster may take to tell who has which keys; without an answer there is no connection at all. */
const SLOTS_REFRESH_MS = 5_000

/** What ioredis calls to reconnect, and to send the command again that was refused. */
const RECONNECT_AND_RESEND = 2

/**
 * A connection for producers: fails at once when Redis is away, because Postgres already holds the truth and the sweep
 * finds it. Callers must listen to its `error` events.
 *
 * @param url as `parseRedisUrl` takes it
 */
export function producerConnection(url: string): RedisConnection {
  return connect(parseRedisUrl(url), PRODUCER)
}

/** A connection for workers: waits for Redis as long as it takes (BullMQ asks for `maxRetriesPerRequest: null`). */
export function workerConnection(url: string): RedisConnection {
  return connect(parseRedisUrl(url), WORKER)
}

function connect(address: RedisAddress, manner: Manner): RedisConnection {
  const { username, password, family } = address
  const options = { ...manner.options, family, ...defined({ username, password }) }
  if (address.topology === 'cluster')
    return connectCluster(address.nodes, { ...options, ...encryption(address) }, manner)
  const server: RedisOptions = {
    ...options,
    db: address.db,
    enableOfflineQueue: manner.enableOfflineQueue,
    retryStrategy,
    // After a failover the name, or the connection itself, may still lead to the old master. Of a script, Redis 6.2 says so
    // in the middle of an `ERR Error running script`.
    reconnectOnError: (error) => (error.message.includes('READONLY') ? RECONNECT_AND_RESEND : false),
  }
  if (address.topology === 'single') return new Redis({ ...server, ...address.node, ...encryption(address) })
  const { nodes, master, sentinelUsername, sentinelPassword } = address
  return new Redis({
    ...server,
    sentinels: nodes,
    name: master,
    sentinelRetryStrategy: retryStrategy,
    // No `failoverDetector`: told of the new master while it connects, ioredis ends the connection for good. Sentinels cut
    // the connections to a master that they replace; what it took until then and lost, the sweep finds.
    ...defined({ sentinelUsername, sentinelPassword }),
    ...encryption(address),
    ...(address.tls ? { sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
  })
}

function connectCluster(
  nodes: { host: string; port: number }[],
  redisOptions: NonNullable<ClusterOptions['redisOptions']>,
  manner: Manner,
): Cluster {
  return new Cluster(nodes, {
    ...manner.cluster,
    enableOfflineQueue: manner.enableOfflineQueue,
    clusterRetryStrategy: retryStrategy,
    slotsRefreshTimeout: SLOTS_REFRESH_MS,
    redisOptions,
    // A certificate is made out to a name: looked up here, only an address would be left to compare it with.
    dnsLookup: (name, callback) => callback(null, name),
  })
}

/** The name has to be told for one server: many behind one address choose their certificate by it. */
function encryption(address: RedisAddress): Pick<RedisOptions, 'tls'> {
  if (!address.tls) return {}
  const named = address.topology === 'single' && isIP(address.node.host) === 0
  return { tls: named ? { servername: address.node.host } : {} }
}

/** Without what is undefined: ioredis takes it for a value. */
function defined<T extends Record<string, string | undefined>>(values: T): { [K in keyof T]?: string } {
  const entries = Object.entries(values).filter((entry): entry is [keyof T & string, string] => entry[1] !== undefined)
  const result: { [K in keyof T]?: string } = {}
  for (const [name, value] of entries) result[name] = value
  return result
}
