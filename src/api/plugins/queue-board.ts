import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import type { IServerAdapter } from '@bull-board/api/typings/app'
import { FastifyAdapter } from '@bull-board/fastify'
import { requireAdminInBrowser } from '../auth/basic.ts'
import type { Identify } from '../auth/keyring.ts'
import type { ApiDeps, App } from '../deps.ts'
import { ProblemError } from '../problem.ts'
import { allowPage } from './security-headers.ts'

const BASE_PATH = '/admin/queues'

/** Bull Board: its own files and calls. Left out are fonts of another host, and the few styles written into the page. */
const BOARD_PAGE = {
  'base-uri': ["'self'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
}

/** Bull Board with every queue, for the admin alone. A job carries ids only, so nothing else can be seen here. */
export async function serveQueueBoard(
  app: App,
  { publisher, redis }: Pick<ApiDeps, 'publisher' | 'redis'>,
  identify: Identify,
): Promise<void> {
  const serverAdapter = new FastifyAdapter()
  serverAdapter.setBasePath(BASE_PATH)
  createBullBoard({
    queues: [...publisher.queues.values()].map((queue) => new BullMQAdapter(queue)),
    // The adapter is a patch release behind and brings types of its own for the same interface.
    serverAdapter: serverAdapter as unknown as IServerAdapter,
    options: { uiConfig: { boardTitle: 'Lead Unlock' } },
  })
  // The adapter would answer errors with their messages: thrown again, they get to the handler of this app.
  serverAdapter.setErrorHandler((error) => {
    throw error
  })
  await app.register(
    async (scope) => {
      allowPage(scope, BOARD_PAGE)
      requireAdminInBrowser(scope, identify)
      // A queue whose connection never came up would wait for it for ever.
      scope.addHook('preHandler', async () => {
        if (redis.status !== 'ready') throw new ProblemError('unavailable')
      })
      await scope.register(serverAdapter.registerPlugin())
    },
    { prefix: BASE_PATH },
  )
}
