import { once } from 'node:events'
import type { Socket } from 'node:net'
import pg, { type PoolClient } from 'pg'
import type { SimulatedClock } from './clock.ts'
import { Conversation } from './conversation.ts'
import { currentTask, outsideTask } from './tasks.ts'

/** A task in the way of a suspended one's lock is told so after this long, milliseconds of real time. */
const LOCK_TIMEOUT_MS = 15

type Connect = (this: unknown, ...args: unknown[]) => Promise<PoolClient>
type Query = (this: unknown, ...args: unknown[]) => Promise<unknown>

/** What the queries of tasks have to do with the rest of the simulation. */
export type Watcher = {
  /** Its time is told to Postgres ahead of each statement. */
  clock: SimulatedClock
  /** Something was sent that may have changed what others see. */
  onChange(): void
}

/**
 * Makes every query that a task sends, and every connection it takes, a moment at which it can be interrupted. To be called
 * once in a process, and before the product's pool is opened, because others watch queries as well.
 */
export function hookPostgres(watcher: Watcher): void {
  const connect: Connect = pg.Pool.prototype.connect
  const query: Query = pg.Client.prototype.query
  const known = new WeakSet<PoolClient>()
  const conversations = new WeakMap<object, Conversation>()

  const taken = async (pool: unknown, args: unknown[]): Promise<PoolClient> => {
    const client = await connect.apply(pool, args)
    if (!known.has(client)) {
      known.add(client)
      await query.call(client, `set lock_timeout = ${LOCK_TIMEOUT_MS}`)
    }
    return client
  }
  replace(pg.Pool.prototype, 'connect', function (this: unknown, ...args) {
    const task = currentTask()
    if (typeof args[0] === 'function') return connect.apply(this, args)
    if (task === undefined) return taken(this, args)
    return task.operate('connect', async () => {
      const client = await outsideTask(() => taken(this, args))
      const release = client.release.bind(client)
      client.release = (...how) => {
        task.letGo(client)
        release(...how)
      }
      task.hold(client)
      return client
    })
  })
  replace(pg.Client.prototype, 'query', function (this: unknown, ...args) {
    const client = Object(this)
    const task = currentTask()
    const [sql, ...rest] = args
    const known = conversations.get(client)
    if (typeof sql !== 'string' || (task === undefined && known === undefined)) return query.apply(client, args)
    const conversation = known ?? new Conversation((...message) => query.apply(client, message), watcher.clock)
    conversations.set(client, conversation)
    const effect = () =>
      outsideTask(async () => {
        try {
          return await conversation.say(sql, ...rest)
        } finally {
          if (conversation.changes(sql)) watcher.onChange()
        }
      })
    if (task === undefined) return effect()
    const lose = () => {
      task.lose(client)
      return cut(client, query)
    }
    return task.operate(labelOf(sql), effect, { cut: lose })
  })
}

/** Loses a connection. Postgres notices at once here, or locks would be freed at some moment of the machine's own choosing. */
async function cut(client: unknown, query: Query): Promise<never> {
  await query.call(client, 'rollback')
  const { connection } = client as { connection: { stream: Socket } }
  const closed = once(connection.stream, 'close')
  connection.stream.destroy()
  await closed
  throw new Error('Connection terminated unexpectedly')
}

function replace(target: object, name: string, value: (this: unknown, ...args: unknown[]) => Promise<unknown>): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true })
}

/** What a statement does and to which table, without values: `update payments`. */
function labelOf(sql: string): string {
  const verb = /^(?:begin;)?\s*(\w+)/.exec(sql)?.[1] ?? 'query'
  const table = /(?:from|into|update)\s+"?(\w+)/i.exec(sql)?.[1]
  const lock = /for (no key )?update|for share/i.test(sql) ? ' locked' : ''
  return table === undefined ? verb : `${verb} ${table}${lock}`
}
