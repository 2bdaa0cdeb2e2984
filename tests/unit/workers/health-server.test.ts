import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { json, type Routes, serveHealth } from '../../../src/workers/health/server.ts'

async function listen(routes: Routes = {}) {
  const failures: unknown[] = []
  const { port, close } = await serveHealth(0, routes, (error) => failures.push(error))
  onTestFinished(close)
  return { port, close, failures, url: `http://127.0.0.1:${port}` }
}

describe('what answers about the health of a worker', () => {
  it('answers what is asked, kept by no cache, and says nothing else', async () => {
    const { url } = await listen({ '/well': async () => json(200, { status: 'well' }, { 'x-own': 'yes' }) })
    const asked = await fetch(`${url}/well?from=probe`)
    expect([asked.status, await asked.json()]).toEqual([200, { status: 'well' }])
    expect(Object.fromEntries(asked.headers)).toMatchObject({ 'cache-control': 'no-store', 'x-own': 'yes' })
    const looked = await fetch(`${url}/well`, { method: 'HEAD' })
    expect([looked.status, await looked.text()]).toEqual([200, ''])
    expect((await fetch(`${url}/well`, { method: 'POST' })).status).toBe(405)
    expect((await fetch(`${url}/elsewhere`)).status).toBe(404)
  })

  it('answers 500 when an answer cannot be had, repeats nothing of the reason, and tells whoever started it', async () => {
    const { url, failures } = await listen({
      '/broken': () => Promise.reject(new Error('password of the database')),
    })
    const asked = await fetch(`${url}/broken`)
    expect([asked.status, await asked.json()]).toEqual([500, { status: 'failed' }])
    expect(failures.map(String)).toEqual(['Error: password of the database'])
  })

  it('does not start on a port that is taken', async () => {
    const { port } = await listen()
    await expect(serveHealth(port, {}, () => undefined)).rejects.toThrow('EADDRINUSE')
  })

  it('stops though somebody keeps a connection open, also when asked twice', async () => {
    const { port, close } = await listen()
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const ended = once(socket.resume(), 'close')
    await Promise.all([close(), close()])
    await ended
  })
})
