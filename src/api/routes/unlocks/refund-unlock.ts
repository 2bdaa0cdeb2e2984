import type { ApiDeps, App } from '../../deps.ts'
import { operationRoute } from './operation.ts'

/** POST /api/unlocks/{id}/refund */
export function refundUnlock(app: App, deps: ApiDeps): void {
  const description =
    'Gives back every payment of the unlock that is with us. Details not sent yet are not sent any more. ' +
    'Repeating it changes nothing more.'
  operationRoute(app, deps, 'refund', 'Give the money back', description)
}
