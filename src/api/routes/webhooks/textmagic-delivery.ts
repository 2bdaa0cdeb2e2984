import { Type } from 'typebox'
import type { Inbox } from '../../../db/inbox/store.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { textmagicCallback } from './textmagic-callback.ts'

const docs = {
  summary: 'What became of a text of ours',
  fields: {
    id: Type.String(),
    status: Type.String(),
    receiver: Type.Optional(Type.String()),
    referenceId: Type.Optional(Type.String()),
    rejectReason: Type.Optional(Type.String()),
    messageTime: Type.Optional(Type.String()),
  },
}

/** POST, GET and HEAD /webhook/textmagic/delivery */
export function textmagicDelivery(scope: App, deps: ApiDeps, inbox: Inbox): void {
  textmagicCallback(scope, deps, inbox, '/textmagic/delivery', 'textmagic_delivery', docs)
}
