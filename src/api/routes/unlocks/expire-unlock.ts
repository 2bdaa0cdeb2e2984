import type { ApiDeps, App } from '../../deps.ts'
import { operationRoute } from './operation.ts'

/** POST /api/unlocks/{id}/expire */
export function expireUnlock(app: App, deps: ApiDeps): void {
  const description =
    'Closes an unlock that is not paid, with its payment link; a Y does not reopen it. ' +
    'Repeating it changes nothing more.'
  operationRoute(app, deps, 'expire', 'Close an unpaid unlock', description)
}
