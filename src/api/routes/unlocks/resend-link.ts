import type { ApiDeps, App } from '../../deps.ts'
import { operationRoute } from './operation.ts'

/** POST /api/unlocks/{id}/resend-link */
export function resendLink(app: App, deps: ApiDeps): void {
  const description =
    'Sends the same payment link again, or tries again to make the one that is due. ' +
    'While it waits to be sent, repeating it adds nothing; once it was sent, another is sent.'
  operationRoute(app, deps, 'resend-link', 'Send the payment link again', description)
}
