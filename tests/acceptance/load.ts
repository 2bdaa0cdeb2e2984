import { setTimeout as delay } from 'node:timers/promises'
import type { Deployment } from './deployment.ts'

/** What senders got while they kept posting. */
export type Load = {
  /** Texts that were answered 200: from then on they are the product's to lose. */
  acknowledged: string[]
  /** Statuses of all answers, each once. */
  statuses: Set<number>
  /** Codes of the connections that did not come about, or ended without an answer. */
  failures: Set<string>
  /** Ends the senders. */
  stop(): Promise<void>
}

let lastId = 700_000

/** Senders that post texts of a stranger, one after the other, each on a connection of its own, as gateways do. */
export function postTexts({ inboundUrl }: Deployment, senders = 6): Load {
  const load: Load = { acknowledged: [], statuses: new Set(), failures: new Set(), stop }
  let stopped = false
  const running = Array.from({ length: senders }, send)
  return load

  async function send(): Promise<void> {
    while (!stopped) {
      lastId += 1
      const text = `question ${lastId}`
      const body = JSON.stringify({ id: lastId, sender: '442071838750', receiver: '13055550100', text })
      try {
        const headers = { 'content-type': 'application/json', connection: 'close' }
        const response = await fetch(inboundUrl, { method: 'POST', headers, body })
        load.statuses.add(response.status)
        if (response.status === 200) load.acknowledged.push(text)
        await response.arrayBuffer()
      } catch (error) {
        load.failures.add(codeOf(error))
        // A refused connection fails at once: without a pause the senders would leave no time to anybody else.
        await delay(20)
      }
    }
  }

  async function stop(): Promise<void> {
    stopped = true
    await Promise.all(running)
  }
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(error)
}
