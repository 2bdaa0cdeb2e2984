import Fastify, { type FastifyInstance } from 'fastify'
import type { Phone } from './phones/conversations.ts'
import type { Link } from './phones/page.ts'
import { registerPhonesPage } from './phones/routes.ts'
import type { TextMagicEmulator } from './textmagic/types.ts'

export type PagesOptions = {
  textmagic: TextMagicEmulator
  port: number
  /** The phones to show, asked anew for every refresh. */
  phones: () => Promise<readonly Phone[]>
  links: readonly Link[]
  /** Told what the fallback system and the operators' alert channel get. */
  onReceived: (kind: 'fallback' | 'alert', body: string) => void
}

/**
 * The sandbox's own server: the page of virtual phones, and stand-ins for the booking system (`/fallback`) and the operators'
 * chat (`/alert`).
 */
export async function startPages(options: PagesOptions): Promise<{ close(): Promise<void> }> {
  const app: FastifyInstance = Fastify({ forceCloseConnections: true })
  registerPhonesPage(app, {
    textmagic: options.textmagic,
    phones: options.phones,
    links: options.links,
  })
  app.register(async (sinks) => {
    sinks.removeAllContentTypeParsers()
    sinks.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    for (const kind of ['fallback', 'alert'] as const) {
      sinks.post<{ Body: string }>(`/${kind}`, async (request, reply) => {
        options.onReceived(kind, request.body)
        return reply.code(204).send()
      })
    }
  })
  await app.listen({ host: '127.0.0.1', port: options.port })
  return { close: () => app.close() }
}
