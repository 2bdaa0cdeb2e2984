import type { FastifyInstance } from 'fastify'
import { notFound } from '../error-answers.ts'
import type { Gateway } from '../gateway.ts'
import { type PageQuery, paginate } from '../paging.ts'
import { messageResource, sessionResource } from '../resources.ts'

type SessionParams = { Params: { id: string }; Querystring: PageQuery }

/** `GET /sessions` newest first, `GET /sessions/{id}`, `GET /sessions/{id}/messages`. */
export function registerSessions(app: FastifyInstance, gateway: Gateway): void {
  const { account, settings } = gateway.parts

  app.get<{ Querystring: PageQuery }>('/sessions', async (request) =>
    paginate(account.sessions.toReversed(), request.query, sessionResource),
  )

  app.get<SessionParams>('/sessions/:id', async (request, reply) => {
    const session = account.session(Number(request.params.id))
    return session === undefined ? reply.code(404).send(notFound) : sessionResource(session)
  })

  app.get<SessionParams>('/sessions/:id/messages', async (request, reply) => {
    const session = account.session(Number(request.params.id))
    if (session === undefined) return reply.code(404).send(notFound)
    const messages = account.messages.filter((message) => message.sessionId === session.id).toReversed()
    return paginate(messages, request.query, (message) => messageResource(account, message, settings().embedSession))
  })
}
