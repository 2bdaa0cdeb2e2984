import { expect, test } from 'vitest'
import { Environment } from '../../src/config/variables.ts'
import { newSandboxSecrets, sandboxEnvironment } from '../../src/sandbox/environment.ts'
import { takenOver } from '../../src/sandbox/taken-over.ts'

/** What only a deployment has: another address, callers from elsewhere, several workers. */
const OF_DEPLOYMENTS = ['NODE_ENV', 'CORS_ORIGINS', 'TRUST_PROXY', 'WORKER_QUEUES', 'WORKER_PORT']

const stores = { databaseUrl: 'x', redisUrl: 'x' }
const addresses = { ...stores, apiPort: 1, textmagicUrl: 'x', stripeUrl: 'x', fallbackUrl: 'x', alertUrl: 'x' }

test('a sandbox takes over every setting that it does not make itself, also what its stores need', () => {
  const made = Object.keys(sandboxEnvironment(addresses, newSandboxSecrets())).filter((name) => name !== 'QUIET_HOURS')
  const left = Object.keys(Environment.properties).filter((name) => ![...made, ...OF_DEPLOYMENTS].includes(name))
  const shell = Object.fromEntries(Object.keys(Environment.properties).map((name) => [name, 'set']))
  expect(Object.keys(takenOver(shell)).sort()).toEqual(left.sort())
})

test('a setting that is empty counts as none', () => {
  expect(takenOver({ BRAND_NAME: '', QUIET_HOURS: '20:00-09:00' })).toEqual({ QUIET_HOURS: '20:00-09:00' })
})
