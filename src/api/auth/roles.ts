import { ROLES, type Role } from '../../domain/roles.ts'
import type { App } from '../deps.ts'
import { ProblemError } from '../problem.ts'
import { type Caller, callerOf } from './caller.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which keys may call the route; of the roles nobody thought about, none may. */
    roles?: readonly Role[]
  }
}

/** For the `config` of a route under /api: who may call it. */
export const EVERY_KEY = { roles: ROLES }
export const STAFF = { roles: ['admin', 'operator'] } as const satisfies { roles: readonly Role[] }
export const ADMIN_ONLY = { roles: ['admin'] } as const satisfies { roles: readonly Role[] }

/** Whether a caller is one of the people who run the system. */
export function isStaff({ role }: Caller): boolean {
  return STAFF.roles.some((staff) => staff === role)
}

/**
 * Lets each route of this scope be called by the roles its `config` names, and by no other. Comes after authentication.
 *
 * @throws {Error} while the application is built, for a route that names none
 */
export function enforceRoles(scope: App): void {
  scope.addHook('onRoute', ({ method, url, config }) => {
    if (!config?.roles?.length) throw new Error(`${method} ${url} does not say in its config which roles may call it`)
  })
  scope.addHook('onRequest', async (request) => {
    const allowed = request.routeOptions.config.roles ?? []
    if (!allowed.includes(callerOf(request).role)) throw new ProblemError('forbidden')
  })
}
