import type { FastifyInstance } from 'fastify'
import { notFound, validationFailed } from '../error-answers.ts'
import type { Gateway } from '../gateway.ts'
import { type PageQuery, paginate, wholeNumber } from '../paging.ts'
import { messageResource } from '../resources.ts'
import { checkSend } from '../send-request.ts'
import type { SentMessage, Session } from '../types.ts'

/** `POST /messages`, `GET /messages`, `GET /messages/{id}`. */
export function registerMessages(app: FastifyInstance, gateway: Gateway): void {
  const { account, settings } = gateway.parts
  const toResource = (message: SentMessage) => messageResource(account, message, settings().embedSession)

  app.post('/messages', async (request, reply) => {
    const check = checkSend(request.body, settings())
    if ('errors' in check) return reply.code(400).send(validationFailed(check.errors))
    const { session, messages } = await gateway.send(check.send)
    return reply.code(201).send(sendAnswer(session, messages))
  })

  app.get<{ Querystring: PageQuery & { lastId?: string } }>('/messages', async (request) => {
    const newestFirst = account.messages.toReversed()
    const lastId = wholeNumber(request.query.lastId)
    if (lastId === undefined) return paginate(newestFirst, request.query, toResource)
    // Documented: only ids below it are listed, and the page is ignored.
    const older = newestFirst.filter((message) => message.id < lastId)
    return paginate(older, { ...request.query, page: '1' }, toResource)
  })

  app.get<{ Params: { id: string } }>('/messages/:id', async (request, reply) => {
    const message = account.message(Number(request.params.id))
    return message === undefined ? reply.code(404).send(notFound) : toResource(message)
  })
}

/** One receiver makes the answer a link to the message, several a link to the session that holds them. */
function sendAnswer(session: Session, messages: readonly SentMessage[]) {
  const [first] = messages
  const single = messages.length === 1 ? first : undefined
  return {
    id: single?.id ?? session.id,
    href: single === undefined ? `/api/v2/sessions/${session.id}` : `/api/v2/messages/${single.id}`,
    type: single === undefined ? 'session' : 'message',
    sessionId: session.id,
    bulkId: null,
    messageId: single?.id ?? null,
    scheduleId: null,
    chatId: null,
  }
}
