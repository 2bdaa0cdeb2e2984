import { expect, test } from 'vitest'
import type { EventFilter, ListedEvent, StripeGateway } from '../../src/gateways/stripe.ts'
import { failureOf, json, startFakeServer } from './gateways-fake-server.ts'
import { newLink, useStripe } from './gateways-stripe-harness.ts'

const harness = useStripe()
const anHourAgo = () => new Date(Date.now() - 3_600_000)

async function eventsOf(stripe: StripeGateway, filter: EventFilter): Promise<ListedEvent[]> {
  const events: ListedEvent[] = []
  for await (const event of stripe.listEvents(filter)) events.push(event)
  return events
}

test('events are listed by type, newest first, as they were sent', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  const { session } = await emulator.payLink(id)
  const types = ['checkout.session.completed', 'checkout.session.expired']
  const [event] = await eventsOf(stripe, { types, createdAfter: anHourAgo() })
  expect(event).toMatchObject({ type: 'checkout.session.completed', data: { object: { id: session.id } } })
})

test('events are listed over pages, each once', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  for (let opened = 0; opened < 105; opened += 1) await emulator.expireSession((await emulator.openSession(id)).id)
  const events = await eventsOf(stripe, { types: ['checkout.session.expired'], createdAfter: anHourAgo() })
  expect(new Set(events.map((event) => event.id)).size).toBe(105)
  expect(events).toHaveLength(105)
})

test('only events since a moment, and only undelivered ones when asked', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  await emulator.payLink(id)
  const types = ['checkout.session.completed']
  expect(await eventsOf(stripe, { types, createdAfter: new Date(Date.now() + 3_600_000) })).toEqual([])
  // The emulator has no endpoint to deliver to, so every event counts as delivered.
  expect(await eventsOf(stripe, { types, createdAfter: anHourAgo(), deliverySuccess: false })).toEqual([])
  expect(await eventsOf(stripe, { types, createdAfter: anHourAgo(), deliverySuccess: true })).toHaveLength(1)
})

test('Stripe is asked for events of the whole second in which the time looked back to lies', async () => {
  const server = await startFakeServer((_request, response) =>
    json(response, 200, { object: 'list', data: [], has_more: false }),
  )
  const filter = { types: ['refund.failed'], createdAfter: new Date('2026-11-26T12:00:00.900Z') }
  await eventsOf(harness.clientOf({ apiUrl: server.url }), filter)
  const asked = new URL(server.received[0]?.url ?? '', server.url).searchParams
  expect(asked.get('created[gte]')).toBe(String(Date.parse('2026-11-26T12:00:00Z') / 1000))
  await server.close()
})

test('one that is odd does not hide those after it: it is judged where webhooks are', async () => {
  const { emulator, stripe } = harness
  const { id } = await stripe.createPaymentLink(newLink)
  await emulator.payLink(id)
  const filter = { types: ['checkout.session.completed'], createdAfter: anHourAgo() }
  const [event] = await eventsOf(stripe, filter)
  const listed = { object: 'list', data: [{ id: 'evt_odd', object: 'event' }, event], has_more: false }
  emulator.faults.add({ kind: 'status', status: 200, path: '/v1/events', body: listed })
  expect((await eventsOf(stripe, filter)).map((one) => one.id)).toEqual(['evt_odd', event?.id])
})

test('a failure comes while iterating, as a gateway error', async () => {
  const { emulator, stripe } = harness
  emulator.faults.add({ kind: 'status', status: 503, path: '/v1/events' })
  const failure = await failureOf(eventsOf(stripe, { types: ['refund.failed'], createdAfter: anHourAgo() }))
  expect(failure).toMatchObject({ name: 'UnclearError', code: 'server_error', status: 503 })
})
