import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { producerConnection } from '../../src/queues/connection.ts'
import { type EmbeddedPostgres, startPostgres } from '../../src/sandbox/embedded/postgres.ts'
import { trustCertificates } from '../../src/trust.ts'
import { closing } from '../faults/closing.ts'
import { temporaryState } from '../faults/state.ts'
import { query } from '../support/query.ts'
import { until } from '../support/until.ts'

const fixture = (name: string): string => resolve(import.meta.dirname, '../fixtures/tls', name)
const CA = fixture('ca.pem')

describe('Postgres with TLS', () => {
  const opened = closing()
  let dir: string
  let postgres: EmbeddedPostgres
  beforeAll(async () => {
    const state = await temporaryState()
    opened.add(() => state.close())
    dir = state.dir
    postgres = await startPostgres({ dir, log: () => undefined, ephemeral: true })
    opened.add(() => postgres.stop())
    await switchTlsOn(postgres, join(dir, 'postgres/data'))
  })
  afterAll(() => opened.run())

  const urlOf = (host: string, parameters: string) => `${postgres.url.replace('127.0.0.1', host)}?${parameters}`
  /** Whether a connection to this host is encrypted. @throws when there is none */
  const isEncrypted = (host: string, parameters: string) => encryption(urlOf(host, parameters))

  it.each([
    ['localhost', `sslmode=verify-full&sslrootcert=${CA}`],
    ['localhost', `sslmode=require&sslrootcert=${CA}`],
    ['localhost', `sslmode=require&sslrootcert=${CA}&sslnegotiation=direct`],
    ['127.0.0.1', `sslmode=verify-ca&sslrootcert=${CA}`],
    ['127.0.0.1', 'sslmode=no-verify'],
  ])('is reached encrypted at %s with %s', async (host, parameters) => {
    expect(await isEncrypted(host, parameters)).toBe(true)
  })

  it('is not spoken to when its certificate is made out to another name', async () => {
    await expect(isEncrypted('127.0.0.1', `sslmode=verify-full&sslrootcert=${CA}`)).rejects.toThrow(/IP: 127\.0\.0\.1/)
  })

  it.each(['sslmode=verify-full', 'sslmode=require'])(
    'is not spoken to with %s while nobody vouches for it',
    async (mode) => {
      await expect(isEncrypted('localhost', mode)).rejects.toThrow(/certificate/)
    },
  )

  it('is migrated by a process that is told whom to trust, also where only its --env-file says so', () => {
    const url = urlOf('localhost', 'sslmode=verify-full')
    const file = join(dir, 'variables.env')
    writeFileSync(file, `DATABASE_URL=${url}\nNODE_EXTRA_CA_CERTS=${CA}\n`)
    const env = { PATH: process.env.PATH }
    const program = [`--env-file=${file}`, resolve(import.meta.dirname, '../../src/db/migrate.ts')]
    const { status, stderr } = spawnSync(process.execPath, program, { env, encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})

it('a Postgres without TLS is not spoken to when TLS is asked for', async () => {
  await expect(encryption(`${inject('databaseUrl')}?sslmode=require`)).rejects.toThrow('does not support SSL')
})

it('Redis with TLS is spoken to once it is trusted, and asked for by its name', async () => {
  const { port, names } = await startTlsInFrontOf(new URL(inject('redisUrl')))
  const { username, password } = new URL(inject('redisUrl'))
  const url = `rediss://${username}:${password}@localhost:${port}`

  const refused = producerConnection(url)
  onTestFinished(() => refused.disconnect())
  const problem = Promise.withResolvers<Error>()
  refused.on('error', problem.resolve)
  expect((await problem.promise).message).toMatch(/certificate/)
  refused.disconnect()

  const before = tls.getCACertificates('default')
  onTestFinished(() => tls.setDefaultCACertificates(before))
  trustCertificates([readFileSync(CA, 'utf8')])
  const trusted = producerConnection(url)
  onTestFinished(() => trusted.disconnect())
  trusted.on('error', problem.resolve)
  await until('a connection', () => trusted.status === 'ready')
  expect(await trusted.ping()).toBe('PONG')
  expect(new Set(names)).toEqual(new Set(['localhost']))
})

/** Certificate and key under the names that Postgres looks for by itself, and its account's: it insists on that. */
async function switchTlsOn({ url }: EmbeddedPostgres, dataDir: string): Promise<void> {
  const { uid, gid } = statSync(dataDir)
  for (const [from, to] of Object.entries({ 'server.pem': 'server.crt', 'server.key': 'server.key' })) {
    const file = join(dataDir, to)
    copyFileSync(fixture(from), file)
    chmodSync(file, 0o600)
    chownSync(file, uid, gid)
  }
  await query(url, 'alter system set ssl = on')
  await query(url, 'select pg_reload_conf()')
  await until('TLS', () => encryption(`${url}?sslmode=no-verify`).catch(() => false))
}

async function encryption(url: string): Promise<boolean> {
  const db = await openDatabase({ url, poolSize: 1 })
  try {
    const [row] = await db.em
      .fork()
      .execute<{ ssl: boolean }[]>('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
    return row?.ssl === true
  } finally {
    await db.close(true)
  }
}

/** What a Redis that speaks TLS does, whether or not the one of this machine was built to. */
async function startTlsInFrontOf(redis: URL): Promise<{ port: number; names: unknown[] }> {
  const names: unknown[] = []
  const sockets = new Set<net.Socket>()
  const options = { cert: readFileSync(fixture('server.pem')), key: readFileSync(fixture('server.key')) }
  const server = tls.createServer(options, (client) => {
    names.push(client.servername)
    const plain = net.connect(Number(redis.port), redis.hostname)
    for (const socket of [client, plain]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        client.destroy()
        plain.destroy()
      })
    }
    client.pipe(plain).pipe(client)
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(
    () =>
      new Promise<void>((closed) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => closed())
      }),
  )
  const { port } = server.address() as AddressInfo
  return { port, names }
}
