import { Queue } from 'bullmq'
import Fastify from 'fastify'
import { Pool } from 'pg'

/** What a webhook costs at least: a Fastify route, one INSERT, one BullMQ add. */
const { DATABASE_URL, REDIS_URL, PORT } = process.env
const pool = new Pool({ connectionString: DATABASE_URL, max: 10 })
const queue = new Queue('bench-webhook', { connection: { url: REDIS_URL ?? '' }, prefix: 'bench' })
const app = Fastify()

app.post('/webhook', async (request) => {
  const { rows } = await pool.query<{ id: string }>('insert into bench_inbox (body) values ($1) returning id', [
    JSON.stringify(request.body),
  ])
  await queue.add('webhook', { inbox_id: Number(rows[0]?.id) })
  return { received: true }
})

await pool.query(
  'create table if not exists bench_inbox (id bigint generated always as identity primary key, body text)',
)
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
console.log('listening')
process.once('SIGTERM', async () => {
  await app.close()
  await queue.close()
  await pool.end()
})
