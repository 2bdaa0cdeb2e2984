import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOf } from './admin-api.ts'
import { DEPLOY_MS, type Deployment, deploy } from './deployment.ts'
import { DETAILS, LINK, linkIn, newPerson, offer, offeredWithLink, reaches, TEASER } from './people.ts'

let deployment: Deployment

beforeAll(async () => {
  deployment = await deploy()
}, DEPLOY_MS)
afterAll(() => deployment?.close())

test('a lead is offered, unlocked, paid and revealed in the words of the contract', async () => {
  const amy = await newPerson(deployment, 'Amy')
  const ben = await newPerson(deployment, 'Ben')
  const { leadId, unlockIds } = await offer(deployment, [amy, ben])
  expect(leadId).toMatch(/^lead_[a-z0-9]{8}$/)
  const teaser = (name: string) =>
    `${name}, new client inquiry in Miami. Type: 60 min Mobile Massage. Time window: Evening (6-9 PM). ` +
    `Budget: $150-200. Reply Y to unlock contact details for $20. Reply N to skip. Lead ${leadId}.`
  expect(await amy.gets(TEASER)).toBe(teaser('Amy'))
  expect(await ben.gets(TEASER)).toBe(teaser('Ben'))

  await amy.texts('Y')
  const linkText = await amy.gets(LINK)
  const url = linkIn(linkText)
  expect(linkText).toBe(`Amy, complete your $20 payment to unlock client details: ${url} (Lead ${leadId})`)
  expect(deployment.stripe.links().filter(({ metadata }) => metadata.lead_id === leadId)).toMatchObject([
    { url, active: true, currency: 'usd', metadata: { provider_id: amy.id, unlock_id: String(unlockIds[0]) } },
  ])

  // Nobody pays before the gateway's answer about the text with the link is recorded; that would leave two states out.
  await reaches(deployment, Number(unlockIds[0]), 'AWAITING_PAYMENT')
  await deployment.stripe.payLink(url)
  expect(await amy.gets(DETAILS)).toBe(
    [
      'Amy, here are the client details:',
      '',
      'Name: Sarah Johnson',
      'Phone: +1234567890',
      'Email: sarah.johnson@email.com',
      'Address: 123 Ocean Drive, Miami Beach, FL 33139',
      'Notes: Client prefers deep tissue massage',
      '',
      'Gold Touch List provides advertising access to client inquiries. We do not arrange or guarantee appointments.',
    ].join('\n'),
  )

  const { unlock, timeline } = await reaches(deployment, Number(unlockIds[0]), 'DONE')
  expect([timeline[0].from_status, ...timeline.map((event: { to_status: string }) => event.to_status)]).toEqual([
    'NEW_LEAD',
    'TEASER_SENT',
    'AWAIT_CONFIRM',
    'CHECK_EXISTING_PAYMENT',
    'CREATE_PAYMENT_LINK',
    'PAYMENT_LINK_SENT',
    'AWAITING_PAYMENT',
    'PAID',
    'REVEAL_DETAILS_SENT',
    'DONE',
  ])
  expect(unlock).toMatchObject({ lead_id: leadId, provider_id: amy.id, price_cents: 2000, currency: 'usd' })
  expect(unlock.unlocked_at).toMatch(/^\d{4}-\d\d-\d\dT/)
  expect(amy.inbox()).toHaveLength(3)
  expect(ben.inbox()).toEqual([teaser('Ben')])
})

test.for(['json', 'urlencoded', 'multipart'])('a reply that TextMagic posts as %s is answered', async (encoding) => {
  await control('POST', '/_control/settings', { encoding })
  const carla = await newPerson(deployment, 'Carla')
  const { leadId, unlockIds } = await offer(deployment, [carla])
  await carla.gets(TEASER)
  await carla.texts(`y ${leadId} 👍`)
  expect(linkIn(await carla.gets(LINK))).toContain('/pay/')
  await reaches(deployment, Number(unlockIds[0]), 'AWAITING_PAYMENT')
})

test('a text that is not about a lead reaches the booking system in the shape it came in', async () => {
  await control('POST', '/_control/settings', { encoding: 'urlencoded' })
  const dana = await newPerson(deployment, 'Dana')
  await dana.texts('Can I move my appointment to 5?')
  await expect
    .poll(() => deployment.received.filter(({ body }) => body.includes(dana.phone)), { timeout: 20_000 })
    .toMatchObject([{ url: '/fallback', contentType: expect.stringContaining('application/x-www-form-urlencoded') }])
  const [forwarded] = deployment.received.filter(({ body }) => body.includes(dana.phone))
  expect(new URLSearchParams(forwarded?.body).get('text')).toBe('Can I move my appointment to 5?')
})

test('an event of Stripe that is not signed by Stripe is answered 400, and pays for nothing', async () => {
  const erin = await newPerson(deployment, 'Erin')
  const { unlockId, url } = await offeredWithLink(deployment, erin)
  const link = deployment.stripe.links().find((one) => one.url === url)
  const body = JSON.stringify({
    id: 'evt_forged',
    object: 'event',
    type: 'checkout.session.completed',
    data: {
      object: {
        id: 'cs_test_forged',
        object: 'checkout.session',
        payment_status: 'paid',
        payment_link: link?.id,
        payment_intent: 'pi_forged',
        amount_total: 2000,
        currency: 'usd',
        metadata: link?.metadata,
      },
    },
  })
  const now = Math.floor(Date.now() / 1000)
  const signed = (secret: string) => createHmac('sha256', secret).update(`${now}.${body}`).digest('hex')
  const post = (signature: string | undefined) =>
    fetch(`${deployment.url}/webhook/stripe`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(signature === undefined ? {} : { 'stripe-signature': signature }),
      },
      body,
    }).then(answerOf)
  for (const signature of [undefined, '', 'nonsense', `t=${now},v1=${signed('whsec_guessed')}`]) {
    const answer = await post(signature)
    expect(answer).toMatchObject({ status: 400, contentType: expect.stringContaining('application/problem+json') })
    expect(answer.body).toMatchObject({ status: 400, request_id: expect.any(String) })
  }
  // The same event with the right signature is understood: it was the signature that kept it out.
  expect(erin.inbox(DETAILS)).toEqual([])
  const { secrets } = deployment
  expect((await post(`t=${now},v1=${signed(secrets.stripeWebhookSecret)}`)).status).toBe(200)
  await reaches(deployment, unlockId, 'DONE')
  expect(erin.inbox(DETAILS)).toHaveLength(1)
})

test('a text that does not carry the token of the webhook is answered 401, and is no reply', async () => {
  const finn = await newPerson(deployment, 'Finn')
  const { unlockIds } = await offer(deployment, [finn])
  await finn.gets(TEASER)
  const body = JSON.stringify({ id: 901, sender: finn.phone, receiver: '13055550100', text: 'Y' })
  const post = (query: string) =>
    fetch(`${deployment.url}/webhook/textmagic${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }).then(answerOf)
  for (const query of ['', '?token=', '?token=guessed']) {
    expect(await post(query)).toMatchObject({
      status: 401,
      contentType: expect.stringContaining('application/problem+json'),
    })
  }
  expect((await reaches(deployment, Number(unlockIds[0]), 'AWAIT_CONFIRM')).timeline).toHaveLength(2)
  expect((await post(`?token=${deployment.secrets.textmagicWebhookToken}`)).status).toBe(200)
  await finn.gets(LINK)
})

async function control(method: string, path: string, body: object) {
  const response = await fetch(`${deployment.textmagic.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await answerOf(response)
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
}
