import { describe, expect, it } from 'vitest'
import { boardAction } from '../../../src/api/board/actions.ts'
import { shownJob } from '../../../src/api/board/job-view.ts'
import { isFromOwnPage } from '../../../src/api/board/own-pages.ts'
import { sessionCookie } from '../../../src/api/board/session-cookie.ts'

describe('a job on the board', () => {
  const CLIENT = 'Sarah Johnson, +1234567890, 123 Ocean Drive'
  const job = {
    id: '7',
    name: 'reveal',
    data: { unlock_id: 12, request_id: 'inquiry-4711.a:b' },
    opts: { attempts: 14, delay: 1000, removeOnFail: false },
    progress: 0,
    attemptsMade: 14,
    timestamp: 1,
    processedOn: 2,
    finishedOn: 3,
    failedReason: 'server_error',
    stacktrace: ['Error: server_error\n    at runAttempt (/srv/src/workers/run-worker.ts:60:13)'],
    returnvalue: null,
  }

  it('is shown with its ids, times, counts and the code of its failure', () => {
    expect(shownJob(job, 'reveal')).toEqual({ ...job, stacktrace: ['server_error'] })
  })

  it('is shown with nothing else, whatever it holds', () => {
    const odd = {
      ...job,
      name: CLIENT,
      data: { unlock_id: CLIENT, request_id: `${CLIENT}`, [CLIENT]: 1, client_name: CLIENT },
      opts: { attempts: 1, jobId: '7', backoff: { type: CLIENT }, deduplication: { id: CLIENT }, [CLIENT]: CLIENT },
      progress: { text: CLIENT },
      failedReason: `could not send to ${CLIENT}`,
      stacktrace: [`Error: ${CLIENT}`],
      returnvalue: CLIENT,
      deferredFailure: CLIENT,
      deduplicationId: CLIENT,
      parentKey: CLIENT,
      processedBy: CLIENT,
      addedLater: CLIENT,
    }
    const shown = JSON.stringify(shownJob(odd, 'reveal'))
    for (const part of ['Sarah', '1234567890', 'Ocean', 'client_name', 'could not']) expect(shown).not.toContain(part)
    expect(shownJob(odd, 'reveal')).toMatchObject({ data: { unlock_id: '[hidden]' }, failedReason: '[hidden]' })
  })

  it.each([undefined, null, 'text', []])('with the data %j is shown without any', (data) => {
    expect(shownJob({ ...job, data, failedReason: '' }, 'reveal')).toMatchObject({ data: {}, stacktrace: [] })
  })
})

describe('the board does', () => {
  const parameters = { queueName: 'reveal', jobId: '7', queueStatus: 'failed' }

  it.each([
    ['PUT', '/api/queues/:queueName/:jobId/retry', 'queue.retry_job', 'job:reveal:7'],
    ['put', '/api/queues/:queueName/:jobId/retry', 'queue.retry_job', 'job:reveal:7'],
    ['PUT', '/api/queues/:queueName/retry/:queueStatus', 'queue.retry_failed', 'queue:reveal'],
    ['PUT', '/api/queues/pause', 'queue.pause_all', 'queues'],
  ])('%s %s, noted as %s of %s', (method, route, action, target) => {
    expect(boardAction(method, route, parameters)).toEqual({ action, target })
  })

  it.each([
    ['PUT', '/api/queues/:queueName/obliterate'],
    ['PUT', '/api/queues/:queueName/empty'],
    ['PUT', '/api/queues/:queueName/clean/:queueStatus'],
    ['POST', '/api/queues/:queueName/add'],
    ['PATCH', '/api/queues/:queueName/:jobId/update-data'],
    ['POST', '/api/queues/:queueName/:jobId/retry'],
    ['PUT', '/api/something-new'],
  ])('not %s %s', (method, route) => {
    expect(boardAction(method, route, parameters)).toBeNull()
  })

  it('not what is done already once more', () => {
    const route = '/api/queues/:queueName/retry/:queueStatus'
    expect(boardAction('PUT', route, { ...parameters, queueStatus: 'completed' })).toBeNull()
  })
})

describe('a request comes from a page of ours', () => {
  const PUBLIC = 'https://leads.example.org'
  const from = (headers: Record<string, string>) => isFromOwnPage({ headers }, PUBLIC)

  it.each([
    [{ 'sec-fetch-site': 'same-origin' }],
    [{ 'sec-fetch-site': 'same-origin', origin: 'null', host: 'x' }],
    [{ origin: PUBLIC, host: '10.0.0.7:3000' }],
    [{ origin: 'http://10.0.0.7:3000', host: '10.0.0.7:3000' }],
  ])('as %j says', (headers) => {
    expect(from(headers)).toBe(true)
  })

  it.each([
    [{}],
    [{ host: 'leads.example.org' }],
    [{ 'sec-fetch-site': 'cross-site', origin: PUBLIC }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'none' }],
    [{ origin: 'null', host: 'leads.example.org' }],
    [{ origin: 'https://evil.example.org', host: 'leads.example.org' }],
    [{ origin: 'https://leads.example.org.evil.test', host: 'leads.example.org' }],
    [{ origin: 'http://leads.example.org', host: 'other' }],
  ])('but not when it says %j', (headers) => {
    expect(from(headers)).toBe(false)
  })
})

describe('the cookie of a session', () => {
  const FIXED = { path: '/admin', httpOnly: true, sameSite: 'strict', maxAge: 28_800 }
  const SECURE = { name: '__Secure-lead_unlock_board', options: { ...FIXED, secure: true } }

  it.each([
    ['https://leads.example.org', false],
    ['https://leads.example.org', true],
    ['http://localhost:3000', true],
    ['http://leads.internal:3000', false],
    ['http://localhost.evil.test', false],
    ['http://127.evil.test', false],
  ])('goes over TLS alone with %s, production: %s', (url, production) => {
    expect(sessionCookie(url, production)).toEqual(SECURE)
  })

  it.each(['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000', 'http://leads.localhost'])(
    'may go without on a laptop, at %s',
    (url) => {
      expect(sessionCookie(url, false)).toEqual({ name: 'lead_unlock_board', options: { ...FIXED, secure: false } })
    },
  )
})
