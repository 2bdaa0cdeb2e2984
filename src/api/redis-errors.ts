/** Whether it was Redis that was away, or could not do what it was asked just then: trying again later may help. */
export function isRedisAway(error: unknown): boolean {
  return error instanceof Error && AWAY_MESSAGES.test(error.message)
}

/** ioredis gives no codes. In capitals: Redis loads its data, has become a replica, or misses a part of its cluster. */
const AWAY_MESSAGES =
  /^(?:Connection is closed|Command timed out|Reached the max retries per request limit|(?:Stream isn't writeable|Cluster isn't ready) and enableOfflineQueue|(?:LOADING|READONLY|MASTERDOWN|CLUSTERDOWN) )/
