import { createBullBoard } from '@bull-board/api'
import type { IServerAdapter } from '@bull-board/api/typings/app'
import { FastifyAdapter } from '@bull-board/fastify'
import cookies from '@fastify/cookie'
import { recordAudit } from '../../db/access/audit.ts'
import { actorOf } from '../auth/caller.ts'
import type { EnvironmentKeys } from '../auth/environment-keys.ts'
import type { Identify } from '../auth/keyring.ts'
import { type Access, requireStaff } from '../board/access.ts'
import { boardAction } from '../board/actions.ts'
import { IdsOnlyAdapter } from '../board/ids-only-adapter.ts'
import { isFromOwnPage } from '../board/own-pages.ts'
import { ADMIN_PATH, BOARD_PATH, SIGN_IN_PATH } from '../board/paths.ts'
import { sessionCookie } from '../board/session-cookie.ts'
import { createSessions } from '../board/sessions.ts'
import { signInRoutes } from '../board/sign-in.ts'
import type { ApiDeps, App } from '../deps.ts'
import { answerBoardError } from '../errors.ts'
import { ProblemError } from '../problem.ts'
import { allowPage } from './security-headers.ts'

/** Bull Board: its own files and calls. Left out are fonts of another host, and the few styles written into the page. */
const BOARD_PAGE = {
  'base-uri': ["'self'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
}

/** Bull Board with every queue, and the sign-in before it: for admins and operators. */
export async function serveQueueBoard(
  app: App,
  deps: ApiDeps,
  identify: Identify,
  environment: EnvironmentKeys,
): Promise<void> {
  const { publicUrl, production } = deps.config
  const access: Access = {
    identify,
    sessions: createSessions(deps.db, environment),
    cookie: sessionCookie(publicUrl, production),
    isFromOwnPage: (request) => isFromOwnPage(request, publicUrl),
  }
  await app.register(async (scope) => {
    await scope.register(cookies)
    scope.addHook('onRequest', async (request, reply) => {
      // Without its origin a form of ours could not be told from one of another site.
      reply.header('referrer-policy', 'same-origin')
      if (!request.url.startsWith(`${BOARD_PATH}/static/`)) reply.header('cache-control', 'no-store')
    })
    scope.get(ADMIN_PATH, { schema: { hide: true } }, async (_request, reply) => reply.redirect(BOARD_PATH, 303))
    await scope.register(async (pages) => signInRoutes(pages.withTypeProvider(), access))
    await scope.register(async (board) => boardRoutes(board.withTypeProvider(), deps, access), { prefix: BOARD_PATH })
  })
}

async function boardRoutes(scope: App, { db, publisher, redis }: ApiDeps, access: Access): Promise<void> {
  allowPage(scope, BOARD_PAGE)
  scope.setErrorHandler(answerBoardError)
  requireStaff(scope, access)
  scope.addHook('preHandler', async (request) => {
    // A queue whose connection never came up would wait for it for ever.
    if (redis.status !== 'ready') throw new ProblemError('unavailable')
    const route = request.routeOptions.url?.slice(BOARD_PATH.length) ?? ''
    const done = boardAction(request.method, route, Object(request.params))
    // No text of Postgres holds it, and no queue or job has such a name.
    if (done?.target.includes('\0')) throw new ProblemError('invalid-request', 'The path is not valid')
    // Before it is done: what cannot be noted is not done.
    if (done !== null) await recordAudit(db.em.fork(), { ...actorOf(request), ...done })
  })
  await scope.register(bullBoard(publisher).registerPlugin())
}

function bullBoard(publisher: ApiDeps['publisher']): FastifyAdapter {
  const serverAdapter = new FastifyAdapter()
  serverAdapter.setBasePath(BOARD_PATH)
  createBullBoard({
    queues: [...publisher.queues].map(([name, queue]) => new IdsOnlyAdapter(name, queue)),
    // The adapter is a patch release behind and brings types of its own for the same interface.
    serverAdapter: serverAdapter as unknown as IServerAdapter,
    options: {
      uiConfig: {
        boardTitle: 'Lead Unlock',
        hideDocsLink: true,
        miscLinks: [{ text: 'Sign out', url: SIGN_IN_PATH }],
      },
      handlerHooks: {
        before: ({ method, route, request }) =>
          method === 'get' || boardAction(method, route, request.params) !== null ? undefined : NOT_HERE,
      },
    },
  })
  // The adapter would answer errors with their messages: thrown again, they get to the handler of this app.
  serverAdapter.setErrorHandler((error) => {
    throw error
  })
  return serverAdapter
}

const NOT_HERE = {
  allow: false,
  status: 403,
  errorKey: 'ERRORS.FORBIDDEN',
  message: 'This board does not do that: work could be lost. The runbook says what to do instead.',
} as const
