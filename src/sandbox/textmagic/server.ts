import formbody from '@fastify/formbody'
import fastify, { type FastifyInstance } from 'fastify'
import { type FaultSwitch, injectFaults } from '../faults.ts'
import { requireCredentials } from './credentials.ts'
import { answerErrors } from './error-answers.ts'
import type { Gateway } from './gateway.ts'
import { registerControl } from './routes/control.ts'
import { registerMessages } from './routes/messages.ts'
import { registerReplies } from './routes/replies.ts'
import { registerSessions } from './routes/sessions.ts'
import { registerUnsubscribers } from './routes/unsubscribers.ts'

export type ServerOptions = { username: string; apiKey: string; faults: FaultSwitch; gateway: Gateway }

/** The HTTP face of the emulator: TextMagic's API under `/api/v2`, its controls under `/_control`. Not listening yet. */
export function buildServer({ username, apiKey, faults, gateway }: ServerOptions): FastifyInstance {
  const app = fastify({
    // A request left hanging by a fault must not keep the server from closing.
    forceCloseConnections: true,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  })
  answerErrors(app)
  app.register(formbody)
  limitRequests(app, gateway)
  injectFaults(app, faults)
  registerControl(app, gateway)
  app.register(
    async (api) => {
      requireCredentials(api, { username, apiKey })
      registerMessages(api, gateway)
      registerSessions(api, gateway)
      registerReplies(api, gateway)
      registerUnsubscribers(api, gateway)
    },
    { prefix: '/api/v2' },
  )
  return app
}

/**
 * Counts every request to the API that arrives, before any fault befalls it, and refuses those over the limit when there is
 * one. TextMagic's is 20 a second, whatever they ask for: https://textmagic.com/docs/api/restrictions
 */
function limitRequests(app: FastifyInstance, { parts: { rate, settings } }: Gateway): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!request.url.startsWith('/api/v2/')) return
    const { ratePerSecond } = settings()
    if (rate.count() > (ratePerSecond ?? Number.POSITIVE_INFINITY)) {
      return reply.code(429).send({ code: 429, message: 'Too Many Requests' })
    }
  })
}
