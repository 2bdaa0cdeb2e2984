import { setTimeout as delay } from 'node:timers/promises'
import { together } from '../../together.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { isDeadlock, isLost, isRefusedRow } from '../postgres/sqlstates.ts'
import { insertInboxRow, insertInboxRows, type KeptInboxRow, type NewInboxRow } from './rows.ts'

/** Statements that insert side by side. Few, so that the webhooks of a rush share a statement and a commit. */
const LANES = 2
/** After this, milliseconds, a statement that waits, for a lock or on a dead connection, no longer keeps others waiting. */
const SLOW_MS = 1_000
/** Until the pool has noticed that a connection is lost, milliseconds, and gives out another. */
const UNTIL_NOTICED_MS = 100
/** Rows of one statement at most. */
const ROWS_AT_ONCE = 50
/** Of all sealed bodies in one statement, characters; a single one may have a third of it. */
const BODIES_AT_ONCE = 1024 * 1024

export type Insertion = {
  /** Inserts a row; rejects when Postgres refuses it, or cannot be reached. */
  insert(row: NewInboxRow): Promise<KeptInboxRow>
  /** Rows that are not inserted yet. */
  waiting(): number
}

/**
 * Inserts rows of the inbox, those that come while others are inserted together.
 *
 * @param em the one to fork from
 */
export function insertTogether(em: EntityManager): Insertion {
  let waiting = 0
  const insert = together(
    async (rows: readonly NewInboxRow[]) => {
      const kept: (KeptInboxRow | Error)[] = []
      for (const some of inStatements(rows)) kept.push(...(await insertOrEachAlone(em, some)))
      return kept
    },
    { lanes: LANES, most: ROWS_AT_ONCE, slowMs: SLOW_MS },
  )
  return {
    async insert(row) {
      waiting += 1
      try {
        return await insert(row)
      } finally {
        waiting -= 1
      }
    },
    waiting: () => waiting,
  }
}

/** Splits rows, in their order, so that no statement gets too large. */
function inStatements(rows: readonly NewInboxRow[]): NewInboxRow[][] {
  const statements: NewInboxRow[][] = []
  let room = 0
  for (const row of rows) {
    if (row.sealedBody.length > room) {
      statements.push([])
      room = BODIES_AT_ONCE
    }
    statements.at(-1)?.push(row)
    room -= row.sealedBody.length
  }
  return statements
}

/**
 * A connection that was lost is no reason to refuse them all: they are inserted once more, and what the first statement
 * stored counts as a duplicate. Nor is a row that Postgres refuses: each is then inserted by itself.
 */
async function insertOrEachAlone(em: EntityManager, rows: readonly NewInboxRow[]): Promise<(KeptInboxRow | Error)[]> {
  try {
    return await insertInboxRows(em.fork(), rows)
  } catch (error) {
    if (isLost(error)) return insertOnceMore(em, rows)
    if (rows.length === 1 || !mayPassAlone(error)) throw error
    const alone: (KeptInboxRow | Error)[] = []
    for (const row of rows) alone.push(await insertOrRefuse(em, row))
    return alone
  }
}

async function insertOnceMore(em: EntityManager, rows: readonly NewInboxRow[]): Promise<KeptInboxRow[]> {
  await delay(UNTIL_NOTICED_MS)
  return insertInboxRows(em.fork(), rows)
}

async function insertOrRefuse(em: EntityManager, row: NewInboxRow): Promise<KeptInboxRow | Error> {
  try {
    return await insertInboxRow(em.fork(), row)
  } catch (error) {
    if (error instanceof Error && isRefusedRow(error)) return error
    throw error
  }
}

/** One row is at fault, or two statements had the same rows in another order. */
function mayPassAlone(error: unknown): boolean {
  return isRefusedRow(error) || isDeadlock(error)
}
