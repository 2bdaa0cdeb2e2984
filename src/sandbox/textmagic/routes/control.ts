import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { notFound } from '../error-answers.ts'
import { digits, type Gateway } from '../gateway.ts'
import { settingsSchema } from '../settings.ts'
import { statusSchema } from '../state-schema.ts'

const closed = { additionalProperties: false }
const phone = Type.String({ pattern: '[0-9]{5}' })
const outcome = { status: statusSchema, rejectReason: Type.Optional(Type.String()) }
const incomingSchema = Type.Object(
  { from: phone, text: Type.String(), id: Type.Optional(Type.Integer({ minimum: 1 })), to: Type.Optional(phone) },
  closed,
)

/** Lets other processes see and steer the emulator, under `/_control`; `/_control/faults` comes with the faults. */
export function registerControl(instance: FastifyInstance, gateway: Gateway): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>()
  const { account, receipts, callbacks, settings, configure } = gateway.parts

  app.get('/_control/messages', async () => account.messages)
  app.get('/_control/callbacks', async () => callbacks.posts)
  app.get('/_control/settings', async () => withoutTokens(settings()))

  app.post('/_control/replies', { schema: { body: incomingSchema } }, async (request, reply) =>
    reply.code(201).send(await gateway.receive(request.body)),
  )

  app.post(
    '/_control/messages/:id/status',
    { schema: { params: Type.Object({ id: Type.String() }), body: Type.Object(outcome, closed) } },
    async (request, reply) => {
      const id = Number(request.params.id)
      if (account.message(id) === undefined) return reply.code(404).send(notFound)
      const { status, rejectReason = null } = request.body
      return await receipts.set(id, { status, rejectReason })
    },
  )

  app.post(
    '/_control/receipt-outcomes',
    { schema: { body: Type.Object({ phone, ...outcome }, closed) } },
    async (request, reply) => {
      const { status, rejectReason = null } = request.body
      receipts.setOutcome(digits(request.body.phone), { status, rejectReason })
      return reply.code(204).send()
    },
  )

  app.post('/_control/settings', { schema: { body: Type.Partial(settingsSchema, closed) } }, async (request) => {
    configure(request.body)
    return withoutTokens(settings())
  })
}

/** The settings as they may be shown: the webhook token travels in the query of the callback URLs. */
function withoutTokens<Urls extends { inboundUrl: string | null; deliveryUrl: string | null }>(settings: Urls): Urls {
  const bare = (url: string | null) => url?.split('?')[0] ?? null
  return { ...settings, inboundUrl: bare(settings.inboundUrl), deliveryUrl: bare(settings.deliveryUrl) }
}
