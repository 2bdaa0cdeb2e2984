import { setTimeout as delay } from 'node:timers/promises'

/** An SMS as the gateway took it. */
export type Accepted = { reference: string; phone: string; text: string /** Milliseconds since 1970. */; at: number }

/** The benchmark's gateways, steered from outside. */
export type Gateways = {
  url: string
  /** Every answer waits this long from now on, milliseconds. */
  answerAfter(ms: number): Promise<void>
  /** How many SMS were accepted so far. */
  count(): Promise<number>
  /** What was accepted from this number on, oldest first. */
  acceptedFrom(index: number): Promise<Accepted[]>
  /** Waits until this many SMS were accepted. @throws {Error} when they are not in time */
  reached(count: number, withinMs: number): Promise<void>
}

const POLL_MS = 10

export function gatewaysAt(url: string): Gateways {
  const ask = async (path: string, body: string) => {
    const response = await fetch(`${url}${path}`, { method: 'POST', body })
    return response.json() as Promise<{ count: number; sent: Accepted[] }>
  }
  const count = async () => (await ask('/_control/sent', String(Number.MAX_SAFE_INTEGER))).count
  return {
    url,
    async answerAfter(ms) {
      await ask('/_control/delay', String(ms))
    },
    count,
    async acceptedFrom(index) {
      return (await ask('/_control/sent', String(index))).sent
    },
    async reached(wanted, withinMs) {
      const deadline = performance.now() + withinMs
      let seen = await count()
      while (seen < wanted) {
        if (performance.now() > deadline) throw new Error(`${seen} of ${wanted} SMS were accepted in time`)
        await delay(POLL_MS)
        seen = await count()
      }
    },
  }
}
