import { setTimeout as delay } from 'node:timers/promises'
import { signatureHeader } from '../../src/sandbox/stripe/webhooks/signature.ts'
import type { Site } from './site.ts'

export type WebhookAnswer = {
  /** Null when there was none. */
  status: number | null
  ms: number
  /** The text that was posted; null for an event of Stripe's. */
  text: string | null
}

const SENDERS = 4
const PAUSE_MS = 100
/** The number of somebody who is no provider. */
const STRANGER = '442071838750'

/**
 * Posts a text and an event, again and again, on connections of their own, and times the answers: what the gateways see
 * while something is away.
 */
export function postWebhooks({ urls, config }: Site): { stop(): Promise<WebhookAnswer[]> } {
  const answers: WebhookAnswer[] = []
  let stopped = false
  let number = 0
  const post = async (url: string, headers: Record<string, string>, body: string, text: string | null) => {
    const started = performance.now()
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close', ...headers },
        body,
      })
      await response.arrayBuffer()
      answers.push({ status: response.status, ms: performance.now() - started, text })
    } catch {
      answers.push({ status: null, ms: performance.now() - started, text })
    }
  }
  const send = async () => {
    while (!stopped) {
      number += 1
      const text = `question ${number}`
      const sms = { id: 800_000 + number, sender: STRANGER, receiver: '13055550100', text }
      await post(urls.inbound, {}, JSON.stringify(sms), text)
      const event = JSON.stringify({ id: `evt_probe_${number}`, object: 'event', type: 'ping', data: { object: {} } })
      const signed = signatureHeader(event, config.stripe.webhookSecrets, Math.floor(Date.now() / 1000))
      await post(urls.stripe, { 'stripe-signature': signed }, event, null)
      await delay(PAUSE_MS)
    }
  }
  const sending = Array.from({ length: SENDERS }, send)
  return {
    async stop() {
      stopped = true
      await Promise.all(sending)
      return answers
    },
  }
}
