import { Worker } from 'bullmq'
import { Pool as PostgresPool } from 'pg'
import { Pool as HttpPool } from 'undici'

/** What a reveal costs at least: a BullMQ job, two transactions that lock the row, one HTTP call between them. */
const { DATABASE_URL, REDIS_URL, GATEWAY_URL } = process.env
const pool = new PostgresPool({ connectionString: DATABASE_URL, max: Number(process.env.POOL_SIZE) })
const gateway = new HttpPool(GATEWAY_URL ?? '', { connections: 20 })

async function locked(id: number, update: string): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('select * from bench_reveals where id = $1 for update', [id])
    await client.query(update, [id])
    await client.query('commit')
  } finally {
    client.release()
  }
}

const worker = new Worker<{ id: number }>(
  'bench-reveal',
  async ({ data: { id } }) => {
    await locked(id, `update bench_reveals set status = 'sending' where id = $1`)
    const { body } = await gateway.request({
      method: 'POST',
      path: '/api/v2/messages',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'the details', phones: '13055550161', referenceId: id }),
    })
    await body.json()
    await locked(id, `update bench_reveals set status = 'sent' where id = $1`)
  },
  { connection: { url: REDIS_URL ?? '', maxRetriesPerRequest: null }, prefix: 'bench', concurrency: 20 },
)
await worker.waitUntilReady()
console.log('working')
process.once('SIGTERM', async () => {
  await worker.close()
  await gateway.close()
  await pool.end()
})
