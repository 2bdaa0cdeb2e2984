import type { FastifyInstance } from 'fastify'
import { notFound, validationFailed } from '../error-answers.ts'
import type { Gateway } from '../gateway.ts'
import { type PageQuery, paginate } from '../paging.ts'
import { replyResource } from '../resources.ts'
import type { Reply } from '../types.ts'

type ReplyQuery = PageQuery & { orderBy?: string; direction?: string }

const orders = new Map<string, (a: Reply, b: Reply) => number>([
  ['id', (a, b) => a.id - b.id],
  ['messageTime', (a, b) => Date.parse(a.receivedAt) - Date.parse(b.receivedAt)],
])

/** `GET /replies`, newest first unless asked otherwise, and `GET /replies/{id}`. */
export function registerReplies(app: FastifyInstance, gateway: Gateway): void {
  const { account } = gateway.parts

  app.get<{ Querystring: ReplyQuery }>('/replies', async (request, reply) => {
    const { orderBy = 'id', direction = 'desc' } = request.query
    const order = orders.get(orderBy)
    if (order === undefined) return reply.code(400).send(validationFailed({ orderBy: ['Unknown order.'] }))
    const ascending = account.replies.toSorted(order)
    return paginate(direction === 'asc' ? ascending : ascending.toReversed(), request.query, replyResource)
  })

  app.get<{ Params: { id: string } }>('/replies/:id', async (request, reply) => {
    const found = account.replies.find((one) => one.id === Number(request.params.id))
    return found === undefined ? reply.code(404).send(notFound) : replyResource(found)
  })
}
