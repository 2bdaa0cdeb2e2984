import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const MODULE = fileURLToPath(new URL('../../src/sandbox/without-proxy.ts', import.meta.url))

/** Calls a server of its own at localhost, as the sandbox does. @returns what it answered, or what Node wrote on ending */
function callOf(env: Record<string, string>): string {
  const program = `
    import { createServer } from 'node:http'
    import { callThisMachineDirectly } from ${JSON.stringify(MODULE)}
    callThisMachineDirectly()
    const server = createServer((_request, response) => response.end('answered')).listen(0, '127.0.0.1', async () => {
      process.stdout.write(await (await fetch('http://localhost:' + server.address().port)).text())
      server.closeAllConnections()
      server.close()
    })`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    env: { PATH: process.env.PATH, NODE_OPTIONS: '', ...env },
    encoding: 'utf8',
  })
  return stdout || stderr
}

test('a proxy that Node is told to ask is not asked for this machine', () => {
  expect(callOf({ NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:1' })).toBe('answered')
  expect(callOf({ NODE_OPTIONS: '--use-env-proxy', HTTP_PROXY: 'http://127.0.0.1:1' })).toBe('answered')
})

test('a proxy of the shell that Node is not told of is not looked at, whatever is written there', () => {
  for (const proxy of ['http://127.0.0.1:1', 'proxy.example:8080', 'none'])
    expect(callOf({ HTTP_PROXY: proxy, HTTPS_PROXY: proxy }), proxy).toBe('answered')
})
