import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { linkParams, startReceiver, startStripe, until } from './sandbox-stripe-harness.ts'

async function stateFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stripe-emulator-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'deeper', 'stripe.jsonl')
}

test('a restarted emulator has the same account, keys included', async () => {
  const file = await stateFile()
  const before = await startStripe({ stateFile: file })
  const link = await before.stripe.paymentLinks.create(linkParams(), { idempotencyKey: 'unlock-12' })
  const { session, paymentIntent } = await before.emulator.payLink(link.id)
  await before.stripe.refunds.create({ payment_intent: paymentIntent.id })
  const events = before.emulator.events()
  await before.emulator.close()

  const after = await startStripe({ stateFile: file })
  expect((await after.stripe.paymentLinks.create(linkParams(), { idempotencyKey: 'unlock-12' })).id).toBe(link.id)
  expect(await after.stripe.paymentLinks.retrieve(link.id)).toMatchObject({ active: false })
  expect(await after.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ payment_status: 'paid' })
  expect((await after.stripe.charges.retrieve(String(paymentIntent.latest_charge))).refunded).toBe(true)
  expect(after.emulator.events()).toEqual(events)
})

test('an emulator that was killed has forgotten nothing it answered for, and survives a line cut short', async () => {
  const file = await stateFile()
  const killed = await startStripe({ stateFile: file })
  const link = await killed.stripe.paymentLinks.create(linkParams())
  // Not closed: the file as a killed process leaves it, with half a line more.
  const left = await readFile(file, 'utf8')
  const copy = `${file}.copy`
  await writeFile(copy, `${left}{"collection":"links","item":{"id":"plink_ha`)

  const { emulator, stripe } = await startStripe({ stateFile: copy })
  expect(emulator.links().map(({ id }) => id)).toEqual([link.id])
  await stripe.paymentLinks.update(link.id, { active: false })
  expect(await readFile(copy, 'utf8')).not.toContain('plink_ha')
})

test('events that were not delivered are delivered after the restart', async () => {
  const file = await stateFile()
  const receiver = await startReceiver()
  const before = await startStripe({ stateFile: file, webhookUrl: 'http://127.0.0.1:1/', retryDelaysMs: [60_000] })
  const { id } = await before.emulator.sendEvent('checkout.session.completed', { id: 'cs_test_x' })
  await until(() => before.emulator.events()[0]?.attempts.length === 1)
  await before.emulator.close()

  const after = await startStripe({ stateFile: file, webhookUrl: receiver.url, retryDelaysMs: [60_000] })
  await until(() => after.emulator.events()[0]?.delivered === true)
  expect(receiver.events().map((event) => event.id)).toEqual([id])
})

test('a state file of something else stops the start, and is left as it was', async () => {
  const file = await stateFile()
  await (await startStripe({ stateFile: file })).emulator.close()
  await writeFile(file, '{"hello":"world"}\n')
  await expect(startStripe({ stateFile: file })).rejects.toThrow('line 1')
  expect(await readFile(file, 'utf8')).toBe('{"hello":"world"}\n')
})
