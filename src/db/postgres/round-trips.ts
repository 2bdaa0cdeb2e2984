import type { Pool } from 'pg'
import { isBegin } from './connection-options.ts'
import { type Query, wrapQueries } from './connection-query.ts'

/** What the driver answers to a statement that answers nothing. */
const DONE = { command: '', rowCount: null, rows: [], fields: [] }

/**
 * Says in one message to Postgres what nobody waits for between: a transaction begins with its first statement, because
 * until then it has seen nothing and holds nothing; a write that answers no rows goes with the next statement, or with the
 * commit. A round trip costs more than most statements do. A text of several statements answers what its last one does.
 * What Postgres gets are simple queries, which mean the same through a pooler.
 *
 * So a write that fails fails the statement after it, in the same transaction; nobody counts the rows that it changed. A
 * connection that is lost by then fails the first statement in place of `begin`, which the query builder would take for a
 * transaction that is not its own to end: it would never give the connection back to the pool.
 *
 * @param pool as `wrapQueries` takes it
 */
export function saveRoundTrips(pool: Pool): void {
  wrapQueries(pool, (send) => {
    const transaction = new Transaction()
    return (sql, ...rest) => {
      if (typeof sql !== 'string') {
        if (transaction.isOpen) throw new Error('a query that is no text cannot be said in a transaction')
        return send(sql, ...rest)
      }
      if (isBegin(sql)) transaction.begin(sql)
      else if (isEnd(sql)) return say(send, transaction.end(sql), rest)
      else if (transaction.isOpen && isSilentWrite(sql, rest)) transaction.add(sql)
      else return say(send, [...transaction.take(), sql], rest)
      return Promise.resolve(DONE)
    }
  })
}

/** What was not said yet of the transaction on one connection. */
class Transaction {
  #begin: string | null = null
  #writes: string[] = []
  #isOpen = false

  get isOpen(): boolean {
    return this.#isOpen
  }

  begin(sql: string): void {
    this.#begin = sql
    this.#writes = []
    this.#isOpen = true
  }

  add(write: string): void {
    this.#writes.push(write)
  }

  /** What goes ahead of the next statement. */
  take(): string[] {
    const unsaid = [...(this.#begin === null ? [] : [this.#begin]), ...this.#writes]
    this.#begin = null
    this.#writes = []
    return unsaid
  }

  /** @returns what has to be said to end it: nothing when Postgres has not heard of it, and need not */
  end(sql: 'commit' | 'rollback'): string[] {
    const hasBegun = this.#begin === null
    const hasWritten = this.#writes.length > 0
    const unsaid = this.take()
    this.#isOpen = false
    if (sql === 'rollback') return hasBegun ? [sql] : []
    return hasBegun || hasWritten ? [...unsaid, sql] : []
  }
}

function isEnd(sql: string): sql is 'commit' | 'rollback' {
  return sql === 'commit' || sql === 'rollback'
}

/** A single write that answers no rows. Where a value contains what would make it another, it is just not put off. */
function isSilentWrite(sql: string, rest: unknown[]): boolean {
  return /^\s*(?:insert into|update|delete from)\s/i.test(sql) && !/;|\breturning\b/i.test(sql) && hasNoValues(rest)
}

/** Says statements in one message. @param rest what the driver takes beside the text of the last */
async function say(send: Query, statements: string[], rest: unknown[]): Promise<unknown> {
  const last = statements.pop()
  if (last === undefined) return DONE
  if (hasNoValues(rest)) return lastOf(await send([...statements, last].join('; '), ...rest))
  if (statements.length > 0) await send(statements.join('; '))
  return send(last, ...rest)
}

/** Values beside the text make a prepared statement of it, which is one statement. */
function hasNoValues([values]: unknown[]): boolean {
  return values === undefined || (Array.isArray(values) && values.length === 0)
}

function lastOf(answer: unknown): unknown {
  return Array.isArray(answer) ? answer.at(-1) : answer
}
