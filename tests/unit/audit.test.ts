import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ADVISORIES = '/-/npm/v1/security/advisories/bulk'

let registry: Server | null = null
let cache: string
beforeEach(async () => {
  // Npm remembers advisories by their number.
  cache = await mkdtemp(join(tmpdir(), 'audit-'))
})
afterEach(async () => {
  await rm(cache, { recursive: true })
  if (registry === null) return
  registry.closeAllConnections()
  registry.close()
  await once(registry, 'close')
  registry = null
})

/** A registry that answers the question for advisories so, and knows nothing else. */
async function answering(status: number, body: string): Promise<string> {
  registry = createServer((request, response) => {
    request.resume().on('end', () => {
      const isAsked = request.method === 'POST' && request.url === ADVISORIES
      response.writeHead(isAsked ? status : 404, { 'content-type': 'application/json' }).end(isAsked ? body : '{}')
    })
  })
  await once(registry.listen(0, '127.0.0.1'), 'listening')
  return urlOf(registry)
}

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** What `npm run audit` does, with a registry of its own. */
function audit(url: string, env: Record<string, string> = {}): Promise<{ code: unknown; out: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['scripts/audit.mjs', `--registry=${url}`, '--fetch-retries=0', `--cache=${cache}`],
      { cwd: ROOT, env: { ...process.env, ...env } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, out: stdout + stderr }),
    )
  })
}

const advisory = (id: number, severity: string) => ({
  id,
  severity,
  url: `https://example.com/${id}`,
  title: 'Gives money away',
  vulnerable_versions: '*',
})

it('a registry that knows of nothing: ends with 0, and says how many packages were asked for', async () => {
  const { code, out } = await audit(await answering(200, '{}'))
  expect([code, out]).toEqual([0, expect.stringMatching(/^[1-9]\d* packages: 0 with high or critical/)])
})

it('high and critical vulnerabilities: ends with 1 and names each', async () => {
  const known = { stripe: [advisory(1, 'high')], pino: [advisory(2, 'critical')], undici: [advisory(3, 'low')] }
  const { code, out } = await audit(await answering(200, JSON.stringify(known)))
  expect([code, out]).toEqual([
    1,
    expect.stringMatching(/^high: stripe .*Gives money away \(https:\/\/example.com\/1\)$/m),
  ])
  expect(out).toMatch(/^critical: pino /m)
  expect(out).not.toMatch(/undici/)
})

it('a moderate vulnerability: ends with 0 and counts it', async () => {
  const { code, out } = await audit(await answering(200, JSON.stringify({ stripe: [advisory(1, 'moderate')] })))
  expect([code, out]).toEqual([0, expect.stringContaining('0 with high or critical vulnerabilities, 1 with others')])
})

it('offline by configuration, the registry is asked all the same', async () => {
  const { code } = await audit(await answering(200, JSON.stringify({ stripe: [advisory(1, 'high')] })), {
    npm_config_offline: 'true',
  })
  expect(code).toBe(1)
})

it.each([
  [405, ''],
  [200, '<html>Sign in to the network</html>'],
])('a registry that answers %i %j: ends with 2, could not be checked', async (status, body) => {
  const { code, out } = await audit(await answering(status, body))
  expect([code, out]).toEqual([2, expect.stringContaining('Could not be checked')])
})

it('a registry that is not there: ends with 2, could not be checked', async () => {
  const url = await answering(200, '{}')
  registry?.close()
  const { code, out } = await audit(url)
  registry = null
  expect([code, out]).toEqual([2, expect.stringContaining('Could not be checked')])
})
