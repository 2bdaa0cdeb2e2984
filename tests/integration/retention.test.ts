import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inboxBodies } from '../../src/db/erasure/retention.ts'
import { SAMPLE_LEAD } from '../../src/sandbox/sample.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Json, type Product, startProduct } from '../support/product.ts'
import { newProvider, TEASER } from '../support/provider.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, failedJob, hurryUntil, moveClock, openKinds } from '../support/steering.ts'
import { until } from '../support/until.ts'

const DAY = 86_400

let product: Product

beforeAll(async () => {
  product = await startProduct({ env: { RETENTION_DAYS: '30' } })
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const leadOf = async (leadId: string) =>
  (await product.api('GET', `/api/leads/${leadId}?include_locked=true`)).body.lead
const auditOf = (leadId: string) =>
  product.rows(`select key_name, role from audit_log where action = 'lead.erase_contact' and target = ? order by id`, [
    `lead:${leadId}`,
  ])

/** Runs the job as its schedule would, and waits until it is done. */
async function run(): Promise<void> {
  const queue = product.publisher.queues.get('erase-contacts')
  const job = await queue?.add('erase-contacts', {})
  await until('the run to end', async () => (await job?.isCompleted()) === true)
}

describe('what is closed for the configured time', () => {
  it('is erased: details, notes and bodies; what waits for somebody, or may be taken up again, is not', async () => {
    const [dana, erik] = [await newProvider(product), await newProvider(product)]
    const done = await dana.hasDetails()
    const troubled = await erik.hasDetails()
    const declined = await dana.hasTeaser({ ttl_hours: 40 * 24 })
    await dana.says(`N ${declined.leadId}`)
    const open = await erik.hasTeaser({ ttl_hours: 40 * 24 })
    const unoffered = await product.api('POST', '/api/leads', {
      ...SAMPLE_LEAD,
      provider_ids: [],
    })
    await product.rows(
      `insert into escalations (kind, subject, unlock_id, summary, alerted_at)
       values ('dispute', 'payment:' || ?, ?, 'disputed', app_now())`,
      [troubled.unlockId, troubled.unlockId],
    )
    await settled(product)

    await moveClock(product, 29 * DAY)
    await run()
    expect((await leadOf(done.leadId)).client_name).toMatch(/^Sarah/)
    expect(await auditOf(done.leadId)).toEqual([])

    await moveClock(product, 2 * DAY)
    await run()
    const erased = async (leadId: string) => (await leadOf(leadId)).contact_erased_at !== undefined
    expect(await erased(done.leadId)).toBe(true)
    expect(await erased(unoffered.body.lead.id)).toBe(true)
    for (const { leadId } of [troubled, declined, open]) expect(await erased(leadId)).toBe(false)
    expect(await auditOf(done.leadId)).toEqual([{ key_name: 'retention', role: null }])
    const bodies = await product.rows(
      `select 'message' as what from outbound_messages where unlock_id = ? and body is not null
       union all select 'webhook' from webhook_inbox where sealed_body is not null and status = 'processed'
         and received_at <= app_now() - interval '30 days'`,
      [done.unlockId],
    )
    expect(bodies).toEqual([])

    await product.rows(`update escalations set resolved_at = app_now() where unlock_id = ?`, [troubled.unlockId])
    await moveClock(product, 40 * DAY)
    await product.reaches(open.unlockId, 'EXPIRED')
    await run()
    expect(await erased(troubled.leadId)).toBe(true)
    expect(await erased(declined.leadId)).toBe(true)
    expect(await erased(open.leadId)).toBe(false)
    expect(await openKinds(product, open.unlockId)).toEqual([])
  })

  it('but for a text that the gateway refused: while that waits for a person, a retry sends it', async () => {
    const dana = await newProvider(product)
    const answer = { status: 400, body: { code: 400, message: 'Validation Failed', errors: null } }
    product.textmagic.faults.add({ kind: 'status', ...answer, method: 'POST', path: '/api/v2/messages', times: null })
    const { unlockId } = await dana.isOffered({ ttl_hours: 40 * 24 })
    await escalated(product, unlockId, 'teaser_failed')
    product.textmagic.faults.clear()
    await moveClock(product, 31 * DAY)
    await run()
    await (await failedJob(product, 'send-teaser', { unlock_id: unlockId })).retry('failed')
    await product.reaches(unlockId, 'AWAIT_CONFIRM')
    await dana.gets(TEASER)
    await escalated(product, unlockId, 'teaser_failed', false)
  })

  it('but for a text that nobody could read: it stays until a person has seen to it', async () => {
    const token = encodeURIComponent(product.secrets.textmagicWebhookToken)
    const body = `not a text ${Date.now()}`
    await fetch(`${product.url}/webhook/textmagic?token=${token}`, { method: 'POST', body })
    const find = async () => {
      const [row] = await product.rows<{ id: string; is_kept: boolean; escalation_id: number | null }>(
        `select i.id, sealed_body is not null as is_kept, e.id as escalation_id
         from webhook_inbox i join escalations e on e.subject = 'inbox:' || i.id
         where e.kind = 'unintelligible_webhook' order by e.id desc limit 1`,
      )
      return row
    }
    await moveClock(product, 31 * DAY)
    await run()
    const found = await find()
    expect(found?.is_kept).toBe(true)
    await product.api('POST', `/api/escalations/${found?.escalation_id}/resolve`, {})
    await run()
    expect((await find())?.is_kept).toBe(false)
  })

  it('but for a refund of which the payment may still come: Stripe tells of that for thirty days', async () => {
    const intent = 'pi_comes_later'
    await product.stripe.sendEvent('refund.updated', {
      id: 're_comes_before',
      object: 'refund',
      amount: 2000,
      payment_intent: intent,
      status: 'succeeded',
    })
    const isKept = async () => {
      const [row] = await product.rows<{ outcome: string | null; is_kept: boolean }>(
        'select outcome, sealed_body is not null as is_kept from webhook_inbox where payment_intent_id = ?',
        [intent],
      )
      return row?.outcome === 'unmatched' ? row.is_kept : null
    }
    await hurryUntil(product, 'handle-payment', 'the refund to be put aside', async () => (await isKept()) !== null)
    const weekOld = inboxBodies(7)
    await moveClock(product, 8 * DAY)
    await weekOld(product.db.em.fork(), 1_000)
    expect(await isKept()).toBe(true)
    await moveClock(product, 23 * DAY)
    await weekOld(product.db.em.fork(), 1_000)
    expect(await isKept()).toBe(false)
  })

  it('also the text of an answer that was refused: a retry, once a person has seen to it, sends nothing and calls nobody', async () => {
    const dana = await newProvider(product)
    product.textmagic.faults.add({ kind: 'status', status: 400, method: 'POST', path: '/api/v2/messages', times: null })
    await dana.says('HELP')
    const find = async () => {
      const [row] = await product.rows<{
        id: number
        status: string
        is_erased: boolean
        escalation_id: number | null
      }>(
        `select m.id, m.status, body is null as is_erased, e.id as escalation_id
         from outbound_messages m left join escalations e on e.subject = 'message:' || m.id and resolved_at is null
         where provider_id = ? and purpose = 'help'`,
        [dana.id],
      )
      if (row === undefined) throw new Error('no answer')
      return row
    }
    await until('a person to be called', async () => (await find()).escalation_id !== null)
    product.textmagic.faults.clear()
    const { id, escalation_id } = await find()
    const job = await failedJob(product, 'send-notice', { message_id: id })
    await product.api('POST', `/api/escalations/${escalation_id}/resolve`, {})
    await moveClock(product, 31 * DAY)
    await run()
    expect((await find()).is_erased).toBe(true)
    await job.retry('failed')
    await until('the retry to call it off', async () => (await find()).status === 'cancelled')
    await settled(product)
    expect((await find()).escalation_id).toBeNull()
  })

  it('also idempotency keys, after a week; until then their answer holds no notes of an erased lead', async () => {
    const posted = await fetch(`${product.url}/api/leads`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${product.secrets.adminApiKey}`,
        'content-type': 'application/json',
        'idempotency-key': 'kept-for-a-week',
      },
      body: JSON.stringify({ ...SAMPLE_LEAD, provider_ids: [] }),
    })
    const { lead }: Json = await posted.json()
    const keys = () =>
      product.rows<{ notes: string | null }>(
        `select response #>> '{lead,notes_snippet}' as notes from idempotency_keys where response #>> '{lead,id}' = ?`,
        [lead.id],
      )
    expect(await keys()).toEqual([{ notes: SAMPLE_LEAD.notes_snippet }])
    await product.api('DELETE', `/api/leads/${lead.id}/contact`)
    expect(await keys()).toEqual([{ notes: null }])
    await moveClock(product, 8 * DAY)
    await run()
    expect(await keys()).toEqual([])
  })
})
