import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Queue, Worker } from 'bullmq'
import { describe, it, type TestContext } from 'vitest'
import { producerConnection, type RedisConnection, workerConnection } from '../../src/queues/connection.ts'
import { testRedis } from '../support/stores.ts'
import { until } from '../support/until.ts'

/** A server on a port of its own, gone when the test has ended. */
async function listen({ onTestFinished }: TestContext, accept: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    accept(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  return { address: `127.0.0.1:${port}`, connections: () => sockets.size }
}

/** Takes connections and never says a word. */
const startSilent = (test: TestContext) => listen(test, (socket) => socket.resume())

/** Refuses scripts as a replica does. */
const startReplica = (test: TestContext, refusal: string) =>
  listen(test, (socket) => {
    socket.on('data', (data) => {
      for (const command of data.toString().split(/(?=\*\d+\r\n)/)) {
        if (/\r\ninfo\r\n/i.test(command)) socket.write('$20\r\nredis_version:6.2.14\r\n')
        else socket.write(/\r\neval\r\n/i.test(command) ? `-${refusal}\r\n` : '+OK\r\n')
      }
    })
  })

/** The way to the run's Redis. After `vanish`, what was open is silent for ever, as when a host lost its power. */
async function startRelay(test: TestContext) {
  const stores = testRedis()
  const real = new URL(stores.url)
  const openedAt: number[] = []
  let vanished = 0
  const relay = await listen(test, (near) => {
    const number = openedAt.push(performance.now())
    const far = connect(Number(real.port), real.hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (data) => number > vanished && to.write(data))
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
    }
  })
  test.onTestFinished(stores.close)
  return {
    url: stores.url.replace(real.host, relay.address),
    prefix: stores.prefix,
    vanish() {
      vanished = openedAt.length
    },
    /** How long ago each connection was made that ever was, milliseconds. */
    ages: () => openedAt.map((at) => performance.now() - at),
  }
}

function opened<T extends RedisConnection>({ onTestFinished }: TestContext, redis: T): T {
  redis.on('error', () => undefined)
  onTestFinished(() => redis.disconnect())
  return redis
}

/** A queue and its worker, behind a relay. @param run does each job */
async function startQueue(test: TestContext, run: (name: string) => Promise<void>) {
  const relay = await startRelay(test)
  const { url, prefix } = relay
  const producer = opened(test, producerConnection(url))
  await once(producer, 'ready')
  const queue = new Queue('work', { connection: producer, prefix, skipVersionCheck: true })
  const connection = opened(test, workerConnection(url))
  const options = { connection, prefix, concurrency: 2, skipVersionCheck: true }
  const worker = new Worker('work', (job) => run(job.name), options)
  queue.on('error', () => undefined)
  worker.on('error', () => undefined)
  await worker.waitUntilReady()
  return { relay, producer, queue, worker }
}

describe.concurrent('a connection to Redis', () => {
  it.for([
    ['Redis 7', "READONLY You can't write against a read only replica. script: f1, on @user_script:1."],
    [
      'Redis 6.2',
      "ERR Error running script (call to f_1): @user_script:15: @user_script: 15: -READONLY You can't write against a read only replica.",
    ],
  ] as const)(
    'whose script a replica refuses in the words of %s looks for the master again',
    async ([, refusal], test) => {
      const replica = await startReplica(test, refusal)
      const redis = opened(test, producerConnection(`redis://${replica.address}`))
      await once(redis, 'ready')
      await test.expect(redis.eval('return 1', 0)).rejects.toThrow()
      await until('another connection', () => replica.connections() > 1, undefined, 10_000)
    },
  )

  it.for([
    ['producer', producerConnection],
    ['worker', workerConnection],
  ] as const)(
    'of a %s asks the next Sentinel when the first takes it and never answers',
    async ([, connectTo], test) => {
      const first = await startSilent(test)
      const second = await startSilent(test)
      opened(test, connectTo(`redis+sentinel://${first.address},${second.address}/mymaster`))
      await until('the second to be asked', () => second.connections() > 0, undefined, 20_000)
    },
  )

  it('to a host that is gone without a word is made anew: jobs are enqueued, finished and taken again', async (test) => {
    const done: string[] = []
    const finish = Promise.withResolvers<void>()
    const { relay, queue, worker } = await startQueue(test, async (name) => {
      if (name === 'before') await finish.promise
      done.push(name)
    })
    const before = await queue.add('before', {})
    await until('the job to be under way', () => before.isActive())
    relay.vanish()
    finish.resolve()
    await until('a job to be enqueued', () =>
      queue.add('after', {}).then(
        () => true,
        () => false,
      ),
    )
    await until('it to be done', () => done.includes('after'))
    await until('the other to be recorded', () => before.isCompleted())
    await worker.close()
  })

  it('that has nothing to do is kept for as long as Redis answers', async (test) => {
    const { relay, queue, worker, producer } = await startQueue(test, async () => undefined)
    // Waited for in the longest pauses that BullMQ makes.
    await queue.add('later', {}, { delay: 3_600_000 })
    await until('each connection to be older than one that waits for an answer', () =>
      relay.ages().every((age) => age > 22_000),
    )
    test.expect(producer.status).toBe('ready')
    await worker.close()
  })
})
