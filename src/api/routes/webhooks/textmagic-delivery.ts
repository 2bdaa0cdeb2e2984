import { Type } from 'typebox'
import type { Inbox } from '../../../db/inbox-store.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { textmagicCallback } from './textmagic-callback.ts'

const docs = {
  summary: 'What became of a text of ours',
  fields: {
    id: Type.String(),
    receiver: Type.String(),
    status: Type.String(),
    referenceId: Type.String(),
    messageTime: Type.String(),
  },
}

/** POST, GET and HEAD /webhook/textmagic/delivery */
export function textmagicDelivery(scope: App, deps: ApiDeps, inbox: Inbox): void {
  textmagicCallback(scope, deps, inbox, '/textmagic/delivery', 'textmagic_delivery', docs)
}
