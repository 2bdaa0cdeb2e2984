import type { Evidence } from './evidence.ts'
import { lockedValues } from './locked-values.ts'
import { redisContents } from './redis-contents.ts'

/** Invariant 7: no log line, job, Redis key or URL holds a locked field; nor does any table hold one in clear. */
export async function secretViolations(product: Evidence): Promise<string[]> {
  const secrets = [...(await lockedValues(product)).values()].flat()
  const violations = (await placesHolding(product, secrets)).map((place) => `7: ${place} holds a locked field`)
  const phones = product.textmagic.messages().map(({ phone }) => phone)
  const told = product.log.some((line) => phones.some((phone) => line.includes(phone)))
  return told ? [...violations, '7: a log line holds the number of a provider'] : violations
}

/**
 * Where any of these values stands, as it is or as it would in a URL: logs, Redis, the requests and links at Stripe, alerts,
 * and the database as whoever has a dump of it sees it.
 */
export async function placesHolding(product: Evidence, secrets: readonly string[]): Promise<string[]> {
  const wanted = [...new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret)]))]
  const places = new Map<string, string[]>([
    ['a log line', product.log],
    ['Redis', await redisContents(product)],
    ['a request to Stripe', product.stripe.requestLog().map((request) => JSON.stringify(request))],
    ['a payment link', product.stripe.links().map((link) => JSON.stringify(link))],
    ['an alert', product.forwarded.filter(({ path }) => path === '/alert').map(({ body }) => body)],
    ['the database', await tableContents(product)],
  ])
  return [...places].flatMap(([place, texts]) =>
    texts.some((text) => wanted.some((secret) => text.includes(secret))) ? [place] : [],
  )
}

/** Every row of every table, as text. */
export async function tableContents(product: Evidence): Promise<string[]> {
  const tables = await product.rows<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
  )
  const contents: string[] = []
  for (const { name } of tables) {
    const rows = await product.rows<{ row: string }>(`select to_jsonb(t)::text as row from ${name} t`)
    contents.push(...rows.map(({ row }) => row))
  }
  return contents
}
