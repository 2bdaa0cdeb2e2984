import type { MikroORM } from '@mikro-orm/postgresql'
import type { EntityManager } from '../../src/db/postgres/orm.ts'

export type Statement = { sql: string; values: unknown[] }

/** A step of a plan; what it did is there when the statement was executed. */
type Node = {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows'?: number
  'Actual Loops'?: number
  'Rows Removed by Filter'?: number
  Plans?: Node[]
}

/** What `work` asks of Postgres, in a transaction that is not kept. */
export async function statementsOf(db: MikroORM, work: (tx: EntityManager) => Promise<unknown>): Promise<Statement[]> {
  const statements: Statement[] = []
  const tx = db.em.fork()
  const connection = db.em.getConnection()
  // It asks something itself at first.
  await connection.ensureConnection()
  const execute = connection.execute
  Reflect.set(connection, 'execute', (sql: unknown, values: unknown[] = [], ...rest: unknown[]) => {
    if (typeof sql === 'string') statements.push({ sql, values: [...values] })
    return Reflect.apply(execute, connection, [sql, values, ...rest])
  })
  await tx.begin()
  try {
    await work(tx)
    await tx.flush()
  } finally {
    await tx.rollback()
    Reflect.set(connection, 'execute', execute)
  }
  return statements.filter(({ sql }) => /^\s*(select|insert|update|delete|with)\b/i.test(sql))
}

/** The tables that a statement reads from end to end. */
export async function readWhole(db: MikroORM, statement: Statement): Promise<string[]> {
  const steps = await stepsOf(db.em.fork(), 'format json', statement)
  return steps.filter((step) => step['Node Type'] === 'Seq Scan').map((step) => step['Relation Name'] ?? '')
}

/** How a statement joins. */
export async function joinsOf(db: MikroORM, statement: Statement): Promise<string[]> {
  const steps = await stepsOf(db.em.fork(), 'format json', statement)
  return steps.map((step) => step['Node Type']).filter((type) => /Join|Nested Loop/.test(type))
}

/**
 * How many rows a statement looks at, of tables and of what it is given, those included that it has no use for. What it writes
 * is not kept.
 */
export async function rowsLookedAt(db: MikroORM, statement: Statement): Promise<number> {
  const em = db.em.fork()
  await em.begin()
  try {
    const steps = await stepsOf(em, 'analyze, timing off, format json', statement)
    const looking = steps.filter((step) => step.Plans === undefined || step['Relation Name'] !== undefined)
    return looking.reduce((sum, step) => sum + rowsOf(step), 0)
  } finally {
    await em.rollback()
  }
}

function rowsOf(step: Node): number {
  const each = (step['Actual Rows'] ?? 0) + (step['Rows Removed by Filter'] ?? 0)
  return each * (step['Actual Loops'] ?? 0)
}

async function stepsOf(em: EntityManager, options: string, { sql, values }: Statement): Promise<Node[]> {
  const [row] = await em.execute<{ 'QUERY PLAN': { Plan: Node }[] }[]>(`explain (${options}) ${sql}`, values)
  return (row?.['QUERY PLAN'] ?? []).flatMap(({ Plan }) => withThoseBelow(Plan))
}

function withThoseBelow(step: Node): Node[] {
  return [step, ...(step.Plans ?? []).flatMap(withThoseBelow)]
}
