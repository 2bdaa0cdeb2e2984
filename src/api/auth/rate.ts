import type { ApiDeps, App } from '../deps.ts'
import { createLimiter } from '../plugins/limiter.ts'
import { ProblemError } from '../problem.ts'
import { callerOf } from './caller.ts'

/**
 * Limits the calls of each key on the routes of this scope; comes after authentication. A client that runs wild slows
 * down itself, and not those with other keys. Each answer says how much is left.
 */
export async function limitCallers(scope: App, deps: Pick<ApiDeps, 'redis' | 'redisPrefix' | 'config'>): Promise<void> {
  const count = await createLimiter(scope, deps, {
    name: 'calls',
    max: deps.config.apiRatePerMinute,
    countedFor: (request) => callerOf(request).id,
  })
  scope.addHook('onRequest', async (request, reply) => {
    const { exceeded, max, remaining, secondsLeft } = await count(request)
    reply.headers({ 'ratelimit-limit': max, 'ratelimit-remaining': remaining, 'ratelimit-reset': secondsLeft })
    if (exceeded) throw new ProblemError('too-many-requests', undefined, [], secondsLeft)
  })
}
