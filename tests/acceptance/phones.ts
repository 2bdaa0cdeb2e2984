import { until } from '../support/until.ts'
import { answerOf } from './admin-api.ts'

/** The page of virtual phones, by the calls that it makes. */
export type Phones = {
  /** Texts on a provider's phone, oldest first. */
  texts(providerId: string): Promise<string[]>
  /** Waits for a text of a kind on a provider's phone. */
  gets(providerId: string, kind: RegExp): Promise<string>
  /** Texts from a phone, as its buttons do. */
  reply(phone: string, text: string): Promise<void>
  /** Listens for changes. `told` resolves at the next one. */
  listen(): Promise<{ told: Promise<void>; close(): Promise<void> }>
}

type Conversation = { id: string; messages: { text: string }[] }

export function phones(pagesUrl: string): Phones {
  const texts: Phones['texts'] = async (providerId) => {
    const { body } = await answerOf(await fetch(`${pagesUrl}/sandbox/messages`))
    const phone = body.phones.find(({ id }: Conversation) => id === providerId)
    return phone.messages.map(({ text }: { text: string }) => text)
  }
  return {
    texts,
    async gets(providerId, kind) {
      let found: string | undefined
      const look = async () => {
        found = (await texts(providerId)).findLast((text) => kind.test(text))
        return found !== undefined
      }
      await until(
        `a text like ${kind} for ${providerId}`,
        look,
        async () => (await texts(providerId)).join('\n'),
        40_000,
      )
      return found ?? ''
    },
    async reply(from, text) {
      const { status, body } = await answerOf(
        await fetch(`${pagesUrl}/sandbox/replies`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ from, text }),
        }),
      )
      if (status !== 201 || body.status !== 200) throw new Error(`the reply was answered ${status} ${body.status}`)
    },
    async listen() {
      const abort = new AbortController()
      const response = await fetch(`${pagesUrl}/sandbox/events`, { signal: abort.signal })
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
      const told = (async () => {
        let seen = ''
        while (!seen.includes('event: change')) {
          const { value = '', done } = (await reader?.read()) ?? { done: true }
          if (done) throw new Error('the events ended')
          seen += value
        }
      })()
      // Told of by whoever waits for it; closing early ends it with an error that nobody waits for.
      told.catch(() => undefined)
      return {
        told,
        async close() {
          abort.abort()
          await Promise.allSettled([told])
        },
      }
    },
  }
}

/** Pays on the page behind a payment link: opens it, sends its form with these values. @returns the page after that */
export async function payOnPage(url: string, fields: Record<string, string> = {}): Promise<string> {
  const page = await fetch(url)
  const form = await page.text()
  const filled = [...form.matchAll(/<input name="(\w+)"[^>]*value="([^"]*)"/g)].map(([, name, value]) => [name, value])
  const paid = await fetch(page.url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...Object.fromEntries(filled), ...fields }).toString(),
  })
  return paid.text()
}
