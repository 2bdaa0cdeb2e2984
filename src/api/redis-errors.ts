/** Whether it was Redis that was away, or could not do what it was asked just then: trying again later may help. */
export function isRedisAway(error: unknown): boolean {
  return error instanceof Error && (AWAY_MESSAGES.test(error.message) || UNABLE.test(error.message))
}

/** ioredis gives no codes. Of a cluster that lacks a master, or is down, it says so once it has asked all of it in vain. */
const AWAY_MESSAGES =
  /^(?:Connection is closed|Command timed out|Reached the max retries per request limit|Too many Cluster redirections|(?:Stream isn't writeable|Cluster isn't ready) and enableOfflineQueue)/

/**
 * Redis loads its data, has become a replica, lacks replicas or a part of its cluster, is full, or cannot save. Of a script,
 * Redis 6.2 says so in the middle of an `ERR Error running script`.
 */
const UNABLE = /(?:^|: -)(?:LOADING|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|OOM|MISCONF) /
