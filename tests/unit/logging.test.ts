import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fastify, LogController } from 'fastify'
import { describe, expect, test } from 'vitest'
import { listedFields } from '../../src/logging/fields.ts'
import { createLogger, type Logger } from '../../src/logging.ts'

const CLIENT = {
  client_name: 'Sarah Johnson',
  client_phone: '+1234567890',
  client_email: 'sarah.johnson@email.com',
  exact_address: '123 Ocean Drive, Miami Beach, FL 33139',
}
const SECRETS = {
  authorization: 'Bearer admin-key-0123456789abcdef',
  cookie: 'session=3f9a',
  token: 'webhook-token-77',
  stripe_key: 'sk_live_51HqzQ',
  password: 'hunter2-hunter2',
}
const FORBIDDEN = [...Object.values(CLIENT), ...Object.values(SECRETS), 'Sarah', 'Ocean Drive']

/** Runs `use` with a logger and returns the lines it wrote, parsed. No line may hold a client's detail or a secret. */
function linesOf(use: (log: Logger) => void): Record<string, unknown>[] {
  const lines: string[] = []
  use(createLogger({ name: 'api', level: 'trace', destination: { write: (line) => lines.push(line) } }))
  for (const line of lines) {
    expect(line).toMatch(/\}\n$/)
    for (const value of FORBIDDEN) expect(line).not.toContain(value)
  }
  return lines.map((line) => JSON.parse(line))
}

const lineOf = (use: (log: Logger) => void): Record<string, unknown> => linesOf(use)[0] ?? {}

describe('a log line', () => {
  test('has an ISO time, the level by name, the process and the fields it was given', () => {
    const line = lineOf((log) => log.info({ unlock_id: 7, job_id: 'reveal-7', attempt: 1, last: false }, 'reveal sent'))
    expect(line).toMatchObject({ level: 'info', process: 'api', pid: process.pid, unlock_id: 7, job_id: 'reveal-7' })
    expect(line).toMatchObject({ attempt: 1, last: false, msg: 'reveal sent' })
    expect(new Date(String(line.time)).toISOString()).toBe(line.time)
  })

  test('of a child logger has the fields of the child', () => {
    const line = lineOf((log) => log.child({ request_id: 'req-1', job: 'reveal' }).warn({ unlock_id: 7 }, 'late'))
    expect(line).toMatchObject({ level: 'warn', request_id: 'req-1', job: 'reveal', unlock_id: 7, msg: 'late' })
  })

  test('below the level is not written', () => {
    const lines: string[] = []
    const log = createLogger({ name: 'api', level: 'warn', destination: { write: (line) => lines.push(line) } })
    log.info('started')
    expect(lines).toEqual([])
  })
})

describe('no contact detail and no secret reaches the log', () => {
  test('in fields nobody listed, at any depth: they show their name alone', () => {
    const line = lineOf((log) =>
      log.info({ ...CLIENT, ...SECRETS, lead: { ...CLIENT }, name: CLIENT.client_name }, 'posted'),
    )
    for (const field of [...Object.keys(CLIENT), ...Object.keys(SECRETS), 'lead', 'name']) {
      expect(line[field]).toBe('[not listed]')
    }
  })

  test('in an object or a list under a listed name', () => {
    const line = lineOf((log) =>
      log.info({ reason: CLIENT, job: [CLIENT, [CLIENT.client_phone]], unlock_id: CLIENT }, 'x'),
    )
    expect(line).toMatchObject({ reason: '[not listed]', job: ['[not listed]', ['[masked]']], unlock_id: '[masked]' })
  })

  test('in the fields of a child logger', () => {
    const line = lineOf((log) => log.child({ ...CLIENT, body: { ...CLIENT } }).info('posted'))
    expect(line).toMatchObject({ client_name: '[not listed]', body: '[not listed]' })
  })

  test('in arguments for placeholders of the message', () => {
    expect(lineOf((log) => log.info('posted %s %o', CLIENT.client_name, CLIENT)).msg).toBe('posted %s %o')
    expect(lineOf((log) => log.info({ unlock_id: 7 }, 'posted %j', CLIENT)).msg).toBe('posted %j')
  })

  test.each([
    ['an e-mail address', 'sent to sarah.johnson@email.com twice', 'sent to [masked] twice'],
    ['an e-mail address in brackets', '<sarah.johnson@email.com>', '<[masked]>'],
    ['an E.164 number', 'sent to +13055550100.', 'sent to [masked].'],
    ['a number with separators', 'call +1 (305) 555-0100 now', 'call [masked] now'],
    ['a number in pairs', 'call +33 6 12 34 56 78 now', 'call [masked] now'],
    ['a number as TextMagic writes it', 'sender 13055550100 unknown', 'sender [masked] unknown'],
    ['a number as people write it', 'call (305) 555-0100 or 305-555-0100', 'call [masked] or [masked]'],
    ['a token in a URL', 'POST /webhook/textmagic?token=webhook-token-77', 'POST /webhook/textmagic?token=[masked]'],
    ['a password in a URL', 'postgres://app:hunter2-hunter2@db:5432/x', 'postgres://[masked]@db:5432/x'],
    ['a bearer token', 'Authorization: Bearer admin-key-0123456789abcdef', 'Authorization: Bearer [masked]'],
    ['a bearer token of letters alone', 'sent bearer abcdefghij', 'sent bearer [masked]'],
    ['a name and password in base64', 'sent Basic dXNlcjpwYXNzd29yZA', 'sent Basic [masked]'],
    ['a Stripe key', 'key sk_live_51HqzQ, whsec_abc', 'key [masked], [masked]'],
    ['a restricted Stripe key', 'key rk_live_51HqzQ', 'key [masked]'],
    ['a publishable Stripe key', 'key pk_live_51HqzQ', 'key [masked]'],
    ['an encryption key', `k1:${Buffer.alloc(32, 7).toString('base64')}`, 'k1:[masked]'],
  ])('in a message: %s', (_what, message, shown) => {
    expect(lineOf((log) => log.info(message)).msg).toBe(shown)
    expect(lineOf((log) => log.info({ reason: message }, 'refused')).reason).toBe(shown)
  })

  test('in an object, whatever made it', () => {
    const cause = { type: 'Error', detail: CLIENT.client_name, message: `to ${CLIENT.client_email}` }
    expect(listedFields({ err: { type: 'Error', client_name: CLIENT.client_name, cause } })).toEqual({
      err: {
        type: 'Error',
        client_name: '[not listed]',
        cause: { type: 'Error', detail: '[not listed]', message: 'to [masked]' },
      },
    })
  })

  test('in a field that takes an id', () => {
    expect(lineOf((log) => log.info({ external_id: '13055550100', job_id: CLIENT.client_email }, 'x'))).toMatchObject({
      external_id: '[masked]',
      job_id: '[masked]',
    })
  })

  test('in the request line: neither query nor headers nor body are shown', () => {
    const request = {
      method: 'POST',
      url: `/webhook/textmagic?token=${SECRETS.token}&sender=13055550100`,
      headers: { authorization: SECRETS.authorization, cookie: SECRETS.cookie },
      body: CLIENT,
      socket: {},
    }
    expect(lineOf((log) => log.info({ req: request }, 'incoming request')).req).toEqual({
      method: 'POST',
      path: '/webhook/textmagic',
    })
  })

  test('through Fastify, with a request logger of its own', async () => {
    const lines: string[] = []
    const log = createLogger({ name: 'api', level: 'trace', destination: { write: (line) => lines.push(line) } })
    const logController = new LogController({ requestIdLogLabel: 'request_id' })
    const app = fastify({ loggerInstance: log, logController })
    app.post('/api/leads', () => {
      throw new TypeError(`no such client: "${CLIENT.client_name}"`)
    })
    await app.inject({
      method: 'POST',
      url: `/api/leads?token=${SECRETS.token}`,
      headers: { authorization: SECRETS.authorization },
      payload: CLIENT,
    })
    await app.close()
    const text = lines.join('')
    for (const value of FORBIDDEN) expect(text).not.toContain(value)
    expect(text).not.toContain('not listed')
    const parsed: Record<string, unknown>[] = lines.map((line) => JSON.parse(line))
    expect(parsed.map(({ msg }) => msg)).toEqual(['incoming request', 'no such client: […]', 'request completed'])
    expect(parsed[2]).toMatchObject({ request_id: 'req-1', res: { statusCode: 500 }, responseTime: expect.any(Number) })
  })
})

test.each(['a', 'a.', '@', 'a@', '1', '+1', '?a=', 'http://', '(', '=', '_'])(
  'a text of 100,000 times %j is cut, and searched in no time',
  (part) => {
    const started = process.cpuUsage()
    const line = lineOf((log) => log.info({ path: part.repeat(100_000) }, 'x'))
    // What grows with the square of the length would take minutes of CPU time, microseconds here.
    expect(process.cpuUsage(started).user).toBeLessThan(5_000_000)
    expect(String(line.path).length).toBeLessThan(30_000)
  },
)

describe('what is not a contact detail stays readable:', () => {
  test.each([
    ['an id that ends in a timestamp', { job_id: 'repeat:sweep:1700000000000' }],
    ['a UUID', { request_id: '550e8400-e29b-41d4-a716-446655440000' }],
    ["Stripe's ids", { payment_id: 'pi_3OaXyZ', event_id: 'evt_1Oa', payment_link_id: 'plink_x' }],
    ["TextMagic's ids", { gateway_id: '49576009' }],
    ['a time in a text', { reason: 'not before 2026-11-23T06:39:00.000+00:00' }],
    ['an address on the network', { reason: 'connect ECONNREFUSED 127.0.0.1:5432' }],
  ])('%s', (_what, fields) => {
    expect(lineOf((log) => log.info(fields, 'x'))).toMatchObject(fields)
  })
})

describe('when the process ends', () => {
  const logging = fileURLToPath(new URL('../../src/logging.ts', import.meta.url))

  /** Runs a program that has a logger `log`; returns its exit code and what it wrote. */
  async function run(program: string): Promise<{ code: number; lines: string[]; stderr: string }> {
    const source = `
      import { createLogger, exitOnUncaught } from ${JSON.stringify(logging)}
      const log = createLogger({ name: 'worker', level: 'info' })
      ${program}`
    const args = ['--input-type=module', '--disable-warning=ExperimentalWarning', '--eval', source]
    const ended: { code?: number; stdout: string; stderr: string } = await promisify(execFile)(process.execPath, args, {
      maxBuffer: 10_000_000,
    }).catch((failure) => failure)
    return { code: ended.code ?? 0, lines: ended.stdout.trim().split('\n'), stderr: ended.stderr }
  }

  test('lines written just before are not lost', async () => {
    const { code, lines } = await run(`
      for (let count = 1; count <= 5000; count += 1) log.info({ count }, 'line')
      process.exit(3)`)
    expect(code).toBe(3)
    expect(lines).toHaveLength(5000)
    expect(JSON.parse(lines[4999] ?? '')).toMatchObject({ process: 'worker', count: 5000 })
  })

  test.each([
    ['an error nobody caught', `throw new TypeError('no such client: "${CLIENT.client_name}"')`],
    ['a rejection nobody handled', `Promise.reject(new TypeError('no such client: "${CLIENT.client_name}"'))`],
  ])('by %s, the log tells of it by the rules of the log, and nothing else does', async (_what, program) => {
    const { code, lines, stderr } = await run(`
      exitOnUncaught(log)
      setTimeout(() => { ${program} }, 0)
      setInterval(() => {}, 1000)`)
    expect(code).toBe(1)
    expect(stderr).toBe('')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 'fatal',
        err: { type: 'TypeError', message: 'no such client: […]' },
        msg: 'uncaught error: the process ends',
      },
    ])
  })
})
