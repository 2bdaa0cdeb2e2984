import helmet from '@fastify/helmet'
import type { App } from '../deps.ts'

type Sources = Readonly<Record<string, readonly string[]>>

/** For answers that are no pages: whoever opens one in a browser gets nothing run, shown in a frame or sent anywhere. */
const NO_PAGE: Sources = {
  'default-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
}

const A_YEAR_SECONDS = 31_536_000

/**
 * Sends the headers that tell a browser what it may do with an answer. Where the API is reached by https, browsers are
 * told to come by https only, for this host and no other.
 *
 * @param publicUrl where the API is reached from outside
 */
export async function sendSecurityHeaders(app: App, publicUrl: string): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: policy(NO_PAGE),
    strictTransportSecurity: publicUrl.startsWith('https:')
      ? { maxAge: A_YEAR_SECONDS, includeSubDomains: false }
      : false,
    xFrameOptions: { action: 'deny' },
  })
}

/**
 * Lets the pages of this scope do what they need, and nothing else.
 *
 * @param sources directives of the Content-Security-Policy, beyond those that forbid everything
 */
export function allowPage(scope: App, sources: Sources): void {
  const contentSecurityPolicy = policy({ ...NO_PAGE, ...sources })
  scope.addHook('onRequest', async (_request, reply) => {
    reply.helmet({ contentSecurityPolicy })
  })
}

function policy(directives: Sources) {
  return { useDefaults: false, directives: { ...directives } } as const
}
