import { type Static, Type } from 'typebox'
import type { Arrival, Inbox, StoredArrival } from '../../../db/inbox/store.ts'
import { parseGatewayBody, readGatewayMessage } from '../../../domain/inbound.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { problemResponses } from '../../problem.ts'
import { keepArrival, Received } from './keep-arrival.ts'
import { rawBody } from './raw-bodies.ts'

/** Phones, texts and ids as TextMagic sends them; in the form encodings all are text. What is done without is optional. */
export type CallbackDocs = { summary: string; fields: Record<string, Type.TSchema> }

/**
 * A URL that TextMagic calls. Both of its callbacks are understood at either URL. Answered 200 once stored, also when
 * nothing could be understood; a GET, a HEAD and an empty POST are the dashboard's test.
 *
 * @param source what an unintelligible body at this URL counts as
 */
export function textmagicCallback(
  scope: App,
  { publisher }: ApiDeps,
  inbox: Inbox,
  path: string,
  source: 'textmagic' | 'textmagic_delivery',
  docs: CallbackDocs,
): void {
  const common = {
    tags: ['webhooks'],
    security: [{ webhookToken: [] }],
    response: { 200: Received, ...problemResponses(401, 413, 429, 500, 503) },
  }
  const nothing: Static<typeof Received> = { received: false, duplicate: false }

  // TextMagic does not send again what was not answered 200.
  const config = { webhook: source, neverShed: true }
  scope.get(path, { schema: { ...common, summary: 'Test of the callback URL' }, config }, async (request) => {
    request.webhookResult = 'nothing'
    return nothing
  })
  scope.post(
    path,
    {
      config,
      schema: {
        ...common,
        summary: docs.summary,
        description: 'JSON, urlencoded or multipart. Kept and escalated when it cannot be understood.',
        consumes: ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'],
        body: Type.Object(docs.fields),
      },
    },
    async (request) => {
      const raw = rawBody(request.body)
      if (raw.toString('latin1').trim() === '') {
        request.webhookResult = 'nothing'
        return nothing
      }
      return keepArrival(publisher, request, raw, (arrival) => store(inbox, source, arrival))
    },
  )
}

async function store(
  inbox: Inbox,
  source: 'textmagic' | 'textmagic_delivery',
  arrival: Arrival,
): Promise<StoredArrival> {
  const fields = await parseGatewayBody(arrival.contentType, arrival.raw)
  const message = fields && readGatewayMessage(fields)
  switch (message?.kind) {
    case 'sms':
      return inbox.storeInboundSms(message.sms, arrival)
    case 'receipt':
      return inbox.storeReceipt(message.receipt, arrival)
    default:
      return inbox.storeUnintelligible(source, arrival)
  }
}
