import type { ApiDeps, App } from '../../deps.ts'
import { operationRoute } from './operation.ts'

/** POST /api/unlocks/{id}/retry-reveal */
export function retryReveal(app: App, deps: ApiDeps): void {
  const description =
    'Sends the details that were paid for: for the first time, or once more. ' +
    'While they wait to be sent, repeating it adds nothing; once they were sent, they are sent again.'
  operationRoute(app, deps, 'retry-reveal', 'Send the details of a paid unlock', description)
}
