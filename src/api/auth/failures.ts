import rateLimit from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import type { App } from '../deps.ts'
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

const FAILURES_PER_MINUTE = 30

/**
 * Limits failed authentications per address, and nothing else: a gateway or a client with the right key is never slowed
 * down, whoever shares its address. Counted in memory, each process for itself, so that it works while Redis is away.
 */
export async function limitFailures(app: App): Promise<void> {
  await app.register(rateLimit, { global: false })
  const count = app.createRateLimit({ max: FAILURES_PER_MINUTE, timeWindow: '1 minute' })
  app.decorate('refuseAuthentication', async (request: FastifyRequest, problem: ProblemError): Promise<never> => {
    const counted = await count(request)
    throw !counted.isAllowed && counted.isExceeded ? new ProblemError('too-many-failures') : problem
  })
}
