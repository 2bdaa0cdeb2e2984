import { expect, it } from 'vitest'
import { type Attempts, recording, recordingClient } from '../../../src/gateways/stripe/attempts.ts'

type HttpClient = Parameters<typeof recordingClient>[0]

it('a call that was given up is not made again by the SDK', async () => {
  let made = 0
  const inner: HttpClient = {
    getClientName: () => 'test',
    makeRequest: async () => {
      made += 1
      throw new Error('connection lost')
    },
  }
  const client = recordingClient(inner)
  const makeRequest = () => client.makeRequest('stripe.test', '443', '/v1/refunds', 'POST', {}, '', 'https', 1_000)
  const givingUp = new AbortController()
  const attempts: Attempts = { unclear: false, lastStatus: undefined, givenUp: givingUp.signal }
  await recording(attempts, async () => {
    await expect(makeRequest()).rejects.toThrow('connection lost')
    givingUp.abort()
    await expect(makeRequest()).rejects.toThrow()
  })
  expect(made).toBe(1)
})
