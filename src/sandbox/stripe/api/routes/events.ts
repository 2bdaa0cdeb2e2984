import type { FastifyInstance } from 'fastify'
import { invalidRequest, resourceMissing } from '../../api-error.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { retainedEvents, shownEvent } from '../../webhooks/events.ts'
import { defineRoute } from '../define-route.ts'
import { createdFilter, page, pageParams } from '../list.ts'
import { bool, list, object, optional, text } from '../params.ts'

const listParams = object({
  ...pageParams,
  created: createdFilter,
  delivery_success: optional(bool),
  type: optional(text()),
  types: optional(list(text(), 20)),
})

export function eventRoutes(app: FastifyInstance, ledger: Ledger): void {
  const { state, clock } = ledger
  defineRoute(app, state, 'GET', '/events', ({ params, path }) => {
    const asked = listParams(params, '')
    if (asked.type !== undefined && asked.types !== undefined) {
      throw invalidRequest('You may only specify one of these parameters: type, types.')
    }
    const types = asked.types ?? (asked.type === undefined ? undefined : [asked.type])
    const events = retainedEvents(state, clock).filter(
      ({ event, delivered }) =>
        asked.created(event.created) &&
        (asked.delivery_success === undefined || asked.delivery_success === delivered) &&
        (types === undefined || types.some((type) => isOfType(event.type, type))),
    )
    return page(events.map(shownEvent), asked, path)
  })
  defineRoute(app, state, 'GET', '/events/:id', ({ id }) => {
    const record = retainedEvents(state, clock).find((candidate) => candidate.id === id)
    if (record === undefined) throw resourceMissing('event', id)
    return shownEvent(record)
  })
}

function isOfType(type: string, asked: string): boolean {
  return asked.endsWith('*') ? type.startsWith(asked.slice(0, -1)) : type === asked
}
