import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningProcess } from '../../src/sandbox/processes/run-process.ts'
import { until } from '../support/until.ts'
import { DEPLOY_MS, type Deployment, deploy } from './deployment.ts'
import { DETAILS, LINK, linkIn, newPerson, offer, offeredWithLink, reaches, TEASER } from './people.ts'

/** What a dead worker was sending is looked for at the gateway once its claim is abandoned. The wait is the real one. */
const LOOKED_FOR_WITHIN_MS = 120_000

let deployment: Deployment
let worker: RunningProcess

beforeAll(async () => {
  deployment = await deploy({ bare: true })
  await deployment.migrate()
  await deployment.startApi()
  worker = await deployment.startWorker()
}, DEPLOY_MS)
afterAll(() => deployment?.close())

test('when the only worker is killed in the middle of the story, the next completes it, and sends nothing twice', {
  timeout: 240_000,
}, async () => {
  const [amy, ben, carla] = [await newPerson(deployment), await newPerson(deployment), await newPerson(deployment)]
  const amys = await offeredWithLink(deployment, amy)
  const carlas = await offeredWithLink(deployment, carla)
  const bens = await offer(deployment, [ben])
  await ben.gets(TEASER)
  await deployment.textmagic.settled()

  // The gateway takes the text with Amy's details, but the answer does not come; it never gets the one with Ben's link.
  await hangOnNextText('accept_then_hang', () => deployment.stripe.payLink(amys.url))
  await hangOnNextText('hang', () => ben.texts('Y'))
  process.kill(worker.pid, 'SIGKILL')
  expect(await worker.exited).toMatchObject({ signal: 'SIGKILL' })
  expect(amy.inbox(DETAILS)).toHaveLength(1)
  expect(ben.inbox(LINK)).toEqual([])
  await deployment.stripe.payLink(carlas.url)

  worker = await deployment.startWorker()
  await reaches(deployment, carlas.unlockId, 'DONE')
  const described = async () => JSON.stringify(deployment.textmagic.messages().map(({ text }) => text))
  await until("Ben's link", () => ben.inbox(LINK).length > 0, described, LOOKED_FOR_WITHIN_MS)
  await deployment.stripe.payLink(linkIn(ben.inbox(LINK)[0] ?? ''))
  await reaches(deployment, Number(bens.unlockIds[0]), 'DONE')
  await reaches(deployment, amys.unlockId, 'DONE')

  for (const person of [amy, ben, carla]) {
    expect([TEASER, LINK, DETAILS].map((kind) => person.inbox(kind).length)).toEqual([1, 1, 1])
  }
  expect(deployment.stripe.charges()).toHaveLength(3)
  expect((await deployment.api('GET', '/api/escalations?state=all')).body.escalations).toEqual([])
})

/** Waits until the worker is in the middle of sending a text, on which the gateway hangs. */
async function hangOnNextText(kind: 'hang' | 'accept_then_hang', cause: () => Promise<unknown>): Promise<void> {
  const { faults } = deployment.textmagic
  faults.add({ kind, method: 'POST', path: '/api/v2/messages' })
  await cause()
  await until('the worker to be sending', () => faults.list().length === 0)
}
