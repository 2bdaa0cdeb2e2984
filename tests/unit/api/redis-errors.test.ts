import { expect, it } from 'vitest'
import { isRedisAway } from '../../../src/api/redis-errors.ts'

it.each([
  'Connection is closed.',
  'Command timed out',
  'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
  "Stream isn't writeable and enableOfflineQueue options is false",
  "Cluster isn't ready and enableOfflineQueue options is false",
  'Too many Cluster redirections. Last error: Error: Connection is closed.',
  'Too many Cluster redirections. Last error: ReplyError: CLUSTERDOWN The cluster is down',
  'LOADING Redis is loading the dataset in memory',
  "READONLY You can't write against a read only replica.",
  "OOM command not allowed when used memory > 'maxmemory'. script: 8c25f7be, on @user_script:54.",
  'MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.',
  'NOREPLICAS Not enough good replicas to write. script: 8c25f7be, on @user_script:54.',
  "ERR Error running script (call to f_8c25f7be): @user_script:54: -OOM command not allowed when used memory > 'maxmemory'.",
])('after %j trying again may help', (message) => {
  expect(isRedisAway(new Error(message))).toBe(true)
})

it.each([new Error('ERR unknown command'), new Error('x'), 'Connection is closed.', null, undefined])(
  '%s is no sign that Redis is away',
  (error) => {
    expect(isRedisAway(error)).toBe(false)
  },
)
