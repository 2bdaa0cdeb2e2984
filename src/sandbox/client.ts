import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Phone } from './phones/conversations.ts'
import { SAMPLE_LEAD, SAMPLE_PROVIDERS } from './sample.ts'

const PAGE_WITHIN_MS = 3_000

const PostedLead = Type.Object({
  lead: Type.Object({ id: Type.String() }),
  unlocks: Type.Array(Type.Object({ id: Type.Integer(), provider_id: Type.String(), status: Type.String() })),
  skipped: Type.Array(Type.Unknown()),
})
const ProvidersPage = Type.Object({
  providers: Type.Array(Type.Object({ id: Type.String(), name: Type.String(), phone: Type.String() })),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
})
const UnlockHistory = Type.Object({
  unlock: Type.Object({ id: Type.Integer(), status: Type.String() }),
  timeline: Type.Array(
    Type.Object({ from_status: Type.String(), to_status: Type.String(), cause: Type.String(), at: Type.String() }),
  ),
})

/** Calls the product's API as its admin does. */
export type SandboxClient = ReturnType<typeof sandboxClient>

/** @param onAnswer told of every answer */
export function sandboxClient(
  url: string,
  adminKey: string,
  onAnswer: (call: string, status: number, body: unknown) => void,
) {
  const call = async (method: string, path: string, body?: unknown, withinMs?: number): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${adminKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(withinMs === undefined ? {} : { signal: AbortSignal.timeout(withinMs) }),
    })
    const answer: unknown = await response.json()
    onAnswer(`${method} ${path}`, response.status, answer)
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${JSON.stringify(answer)}`)
    return answer
  }
  return {
    async putSampleProviders(): Promise<void> {
      for (const { id, ...provider } of SAMPLE_PROVIDERS) await call('PUT', `/api/providers/${id}`, provider)
    },
    async postSampleLead() {
      return Value.Parse(PostedLead, await call('POST', '/api/leads', SAMPLE_LEAD))
    },
    /** Every provider's phone, by id. @throws when the API is away */
    async phones(): Promise<Phone[]> {
      const found: Phone[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const after = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const answer = await call('GET', `/api/providers?limit=200${after}`, undefined, PAGE_WITHIN_MS)
        const page = Value.Parse(ProvidersPage, answer)
        found.push(...page.providers.map(({ id, name, phone }) => ({ id, name, phone })))
        cursor = page.next_cursor
      }
      return found
    },
    async unlock(id: number) {
      return Value.Parse(UnlockHistory, await call('GET', `/api/unlocks/${id}`))
    },
  }
}
