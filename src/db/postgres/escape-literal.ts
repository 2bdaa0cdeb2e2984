import type { MikroORM } from '@mikro-orm/postgresql'

/**
 * Has the query builder write text values as Postgres reads them, in a few pieces. Its own way puts a text together
 * character by character, which takes thirty times its memory until it is sent: for many large webhooks at once, more than
 * a process has.
 */
export function escapeInFewPieces(db: MikroORM): void {
  const platform: unknown = db.em.getPlatform()
  if (typeof Reflect.get(Object(platform), 'escapeLiteral') !== 'function') {
    throw new Error('the query builder escapes in another way')
  }
  Reflect.set(Object(platform), 'escapeLiteral', escapeLiteral)
}

/**
 * A text as a literal of SQL, as `PQescapeLiteral` writes it:
 * https://www.postgresql.org/docs/current/libpq-exec.html#LIBPQ-PQESCAPELITERAL
 */
export function escapeLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
  return text.includes('\\') ? ` E${quoted}` : quoted
}
