import { isIP } from 'node:net'
import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import type { ApiDeps, App } from '../deps.ts'
import { createLimiter } from '../plugins/limiter.ts'
import { ProblemError } from '../problem.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Refuses a request whose authentication failed, and counts it against its address: past the limit the answer is 429.
     * @throws {ProblemError} always: `problem`, or too-many-failures
     */
    refuseAuthentication(request: FastifyRequest, problem: ProblemError): Promise<never>
  }
}

const FAILURES_PER_MINUTE = 60

/**
 * Limits failed authentications per address, and nothing else: a gateway or a client with the right key is never slowed
 * down, whoever shares its address.
 */
export async function limitFailures(app: App, deps: Pick<ApiDeps, 'redis' | 'redisPrefix'>): Promise<void> {
  const count = await createLimiter(app, deps, {
    name: 'failures',
    max: FAILURES_PER_MINUTE,
    countedFor: ({ ip }) => addressOf(ip),
  })
  app.decorate('refuseAuthentication', async (request: FastifyRequest, problem: ProblemError): Promise<never> => {
    const { exceeded, secondsLeft } = await count(request)
    throw exceeded ? new ProblemError('too-many-failures', undefined, [], secondsLeft) : problem
  })
}

/** An IPv6 client has a whole /64 to choose from. What a proxy forwards need not be an address at all. */
function addressOf(ip: string): string {
  return isIP(ip) === 0 ? 'unknown' : normalizeIP(ip)
}
