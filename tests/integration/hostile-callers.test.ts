import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Product, startProduct } from '../support/product.ts'
import { STRANGER } from '../support/provider.ts'
import { until } from '../support/until.ts'

let product: Product
beforeAll(async () => {
  product = await startProduct()
})
afterAll(() => product.close())

it('no address that comes from outside is called, wherever it stands', async () => {
  const called: string[] = []
  const theirs = createServer((request, response) => {
    called.push(`${request.method} ${request.url}`)
    response.end()
  })
  // Opening a connection is enough.
  theirs.on('connection', () => called.push('connection'))
  await once(theirs.listen(0, '127.0.0.1'), 'listening')
  const host = `127.0.0.1:${(theirs.address() as AddressInfo).port}`
  const url = `http://${host}/x`
  try {
    const { unlocks } = await product.offer(['provider60'], {
      city: url,
      service_type: url,
      notes_snippet: `<img src="${url}">`,
      client_name: url,
      client_email: `a@${host}`,
      exact_address: `file:///etc/passwd ${url}`,
    })
    const id = unlocks.provider60 ?? 0
    const stranger = await fetch(`${product.url}/webhook/textmagic?token=${product.secrets.textmagicWebhookToken}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-host': host, forwarded: `host=${host}` },
      body: JSON.stringify({ id: '77', sender: STRANGER, receiver: '13055550100', text: url, callback: url, url }),
    })
    expect(stranger.status).toBe(200)
    await product.text('provider60', 'Y')
    await product.stripe.payLink(await product.linkOf('provider60'))
    await product.reaches(id, 'DONE')
    await until('the stranger’s text to be passed on', () => product.forwarded.some(({ body }) => body.includes(url)))
    expect(called).toEqual([])
  } finally {
    theirs.close()
    await once(theirs, 'close')
  }
})
