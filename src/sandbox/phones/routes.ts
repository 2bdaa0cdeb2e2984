import { randomBytes } from 'node:crypto'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { TextMagicEmulator } from '../textmagic/types.ts'
import { conversations, type Phone } from './conversations.ts'
import { registerEventStream } from './event-stream.ts'
import { contentPolicy, type Link, loadPage } from './page.ts'

export type PhonesPageOptions = {
  textmagic: TextMagicEmulator
  /** The phones to show, asked anew for every refresh. */
  phones: () => Promise<readonly Phone[]>
  /** Where else to look, shown at the top. http(s) addresses or paths. */
  links?: readonly Link[]
}

const replySchema = Type.Object(
  { from: Type.String({ pattern: '^\\+?[0-9]{7,15}$' }), text: Type.String({ minLength: 1, maxLength: 1600 }) },
  { additionalProperties: false },
)

/**
 * Serves the virtual phones: `GET /sandbox` (the page), `GET /sandbox/messages` (what it shows, as JSON),
 * `POST /sandbox/replies {from, text}` (a person texts; 201 `{id, status}`), `GET /sandbox/events` (told of changes).
 * Unguarded: it shows every text sent, so it belongs on a laptop and nowhere else.
 */
export function registerPhonesPage(instance: FastifyInstance, options: PhonesPageOptions): void {
  const { textmagic, phones, links = [] } = options

  instance.register(async (scope) => {
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()
    const render = await loadPage(links)

    app.get('/sandbox', async (_request, reply) => {
      const nonce = randomBytes(16).toString('base64')
      return reply
        .headers({ 'content-security-policy': contentPolicy(nonce), 'cache-control': 'no-store' })
        .type('text/html; charset=utf-8')
        .send(render(nonce))
    })

    app.get('/sandbox/messages', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
      return { phones: conversations(textmagic, await phones()) }
    })

    app.post('/sandbox/replies', { schema: { body: replySchema } }, async (request, reply) =>
      reply.code(201).send(await textmagic.reply(request.body)),
    )

    registerEventStream(scope, '/sandbox/events', textmagic.onChange)
  })
}
