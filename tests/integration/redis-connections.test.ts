import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { producerConnection, type RedisConnection, workerConnection } from '../../src/queues/connection.ts'
import { until } from '../support/until.ts'

/** A server that counts who connects. @param answers what a command gets; nothing when absent */
async function startServer(answers?: (command: string) => string) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', (data) => {
      if (answers === undefined) return
      for (const command of data.toString().split(/(?=\*\d+\r\n)/)) socket.write(answers(command))
    })
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

function opened<T extends RedisConnection>(redis: T): T {
  redis.on('error', () => undefined)
  onTestFinished(() => redis.disconnect())
  return redis
}

it.each([
  ['Redis 7', "READONLY You can't write against a read only replica. script: f1, on @user_script:1."],
  [
    'Redis 6.2',
    "ERR Error running script (call to f_1): @user_script:15: @user_script: 15: -READONLY You can't write against a read only replica.",
  ],
])(
  'a script that a replica refuses in the words of %s makes its connection look for the master again',
  async (_of, refusal) => {
    const replica = await startServer((command) => {
      if (/\r\ninfo\r\n/i.test(command)) return '$20\r\nredis_version:6.2.14\r\n'
      return /\r\neval\r\n/i.test(command) ? `-${refusal}\r\n` : '+OK\r\n'
    })
    const redis = opened(producerConnection(`redis://${replica.address}`))
    await once(redis, 'ready')
    await expect(redis.eval('return 1', 0)).rejects.toThrow()
    await until('another connection', () => replica.connections() > 1, undefined, 10_000)
  },
)

it.each([
  ['producer', producerConnection],
  ['worker', workerConnection],
])('a %s asks the next Sentinel when the first takes connections and never answers', async (_name, connect) => {
  const first = await startServer()
  const second = await startServer()
  opened(connect(`redis+sentinel://${first.address},${second.address}/mymaster`))
  await until('the second to be asked', () => second.connections() > 0, undefined, 20_000)
})
