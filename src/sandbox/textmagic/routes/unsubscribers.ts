import type { FastifyInstance } from 'fastify'
import { notFound, validationFailed } from '../error-answers.ts'
import { digits, type Gateway } from '../gateway.ts'
import { type PageQuery, paginate } from '../paging.ts'
import { unsubscriberResource } from '../resources.ts'

/** `POST /unsubscribers`, `GET /unsubscribers`, `GET /unsubscribers/{id}`. There is no call to subscribe a number again. */
export function registerUnsubscribers(app: FastifyInstance, gateway: Gateway): void {
  const { account, saved } = gateway.parts

  app.post<{ Body: { phone?: unknown } | undefined }>('/unsubscribers', async (request, reply) => {
    const phone = digits(String(request.body?.phone ?? ''))
    if (phone.length < 7) return reply.code(400).send(validationFailed({ phone: ['Invalid phone number.'] }))
    const { id } = account.unsubscribe(phone)
    await saved()
    return reply.code(201).send({ id, href: `/api/v2/unsubscribers/${id}` })
  })

  app.get<{ Querystring: PageQuery }>('/unsubscribers', async (request) =>
    paginate(account.unsubscribers.toReversed(), request.query, unsubscriberResource),
  )

  app.get<{ Params: { id: string } }>('/unsubscribers/:id', async (request, reply) => {
    const found = account.unsubscribers.find((one) => one.id === Number(request.params.id))
    return found === undefined ? reply.code(404).send(notFound) : unsubscriberResource(found)
  })
}
