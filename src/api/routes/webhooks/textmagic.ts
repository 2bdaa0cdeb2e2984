import { Type } from 'typebox'
import type { Inbox } from '../../../db/inbox/store.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { textmagicCallback } from './textmagic-callback.ts'

const docs = {
  summary: 'A text that somebody sent to our number',
  fields: {
    id: Type.String(),
    sender: Type.String(),
    text: Type.String(),
    receiver: Type.Optional(Type.String()),
    messageTime: Type.Optional(Type.String()),
  },
}

/** POST, GET and HEAD /webhook/textmagic */
export function textmagicInbound(scope: App, deps: ApiDeps, inbox: Inbox): void {
  textmagicCallback(scope, deps, inbox, '/textmagic', 'textmagic', docs)
}
