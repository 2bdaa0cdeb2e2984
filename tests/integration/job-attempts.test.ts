import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NotDoneError } from '../../src/gateways/errors.ts'
import { jobs, PayloadError } from '../../src/queues/contract.ts'
import { makeAttempt, type Outcome } from '../../src/workers/attempt.ts'
import type { JobDeps } from '../../src/workers/deps.ts'
import { FinalError, NotYetError, RetryLater } from '../../src/workers/errors.ts'
import { defineJob } from '../../src/workers/job.ts'
import { type Product, startProduct } from '../support/product.ts'
import { withServices } from '../support/services.ts'

const { attempts: LAST } = jobs.reveal

let product: Product
beforeAll(async () => {
  product = await startProduct({ workers: false })
})
afterAll(() => product.close())

/** Makes one of the attempts of a job. @returns how it ended, and with which codes a person was called */
async function attempt(
  number: number,
  run: (deps: JobDeps) => Promise<void>,
  { data = { unlock_id: 1 }, onFailed }: { data?: unknown; onFailed?: (deps: JobDeps) => Promise<void> } = {},
): Promise<{ outcome: Outcome; called: string[] }> {
  const called: string[] = []
  const job = defineJob({
    name: 'reveal',
    run,
    async onFailed(deps, _payload, code) {
      called.push(code)
      await onFailed?.(deps)
    },
  })
  const ended: Outcome[] = []
  await withServices(product, async (services) => {
    ended.push(await makeAttempt(services, job, { id: '1', data, number, of: LAST }))
  })
  const [outcome] = ended
  if (outcome === undefined) throw new Error('the attempt has not ended')
  return { outcome, called }
}

const failing = (error: unknown) => () => Promise.reject(error)
const ofPostgres = (code: string) => Object.assign(new Error('of Postgres'), { code })

describe('an attempt of a job', () => {
  it.each([
    ['is not due yet', new RetryLater(70), 70],
    ['was ended because its process stops', new NotDoneError('closing', { operation: 'test' }), 0],
    ['the database ended because two waited for each other', ofPostgres('40P01'), 200],
    ['waited too long for a lock', ofPostgres('55P03'), 200],
  ])('that %s is made again, also when it is the last, and nobody is called', async (_what, error, delayMs) => {
    const { outcome, called } = await attempt(LAST, failing(error))
    expect([outcome, called]).toEqual([{ type: 'later', delayMs }, []])
  })

  it('that fails is followed by others, until the last, for which a person is called', async () => {
    const error = new NotDoneError('unreachable', { operation: 'test' })
    const before = await attempt(LAST - 1, failing(error))
    expect([before.outcome, before.called]).toEqual([{ type: 'failed', code: 'unreachable' }, []])
    const last = await attempt(LAST, failing(error))
    expect([last.outcome, last.called]).toEqual([{ type: 'given_up', code: 'unreachable' }, ['unreachable']])
  })

  it('that no other would mend calls a person at once', async () => {
    const { outcome, called } = await attempt(1, failing(new FinalError('no_address')))
    expect([outcome, called]).toEqual([{ type: 'given_up', code: 'no_address' }, ['no_address']])
  })

  it('for which nobody can be called ends all the same: the sweep repeats the job', async () => {
    const { outcome } = await attempt(LAST, failing(new Error('broken')), { onFailed: failing(ofPostgres('57P01')) })
    expect(outcome).toEqual({ type: 'given_up', code: 'Error' })
  })

  it('that waits for what has not come is followed by five others, and is not kept among those that failed', async () => {
    expect((await attempt(NotYetError.ATTEMPTS - 1, failing(new NotYetError()))).outcome).toEqual({
      type: 'failed',
      code: NotYetError.CODE,
    })
    const { outcome, called } = await attempt(NotYetError.ATTEMPTS, failing(new NotYetError()))
    expect([outcome, called]).toEqual([{ type: 'done' }, [NotYetError.CODE]])
  })

  it('whose payload is not that of the job does nothing', async () => {
    let ran = false
    const run = async () => {
      ran = true
    }
    await expect(attempt(1, run, { data: { unlock_id: 'one' } })).rejects.toThrow(PayloadError)
    expect(ran).toBe(false)
  })

  it('has an entity manager of its own, and so has what is recorded of its failure', async () => {
    const managers: unknown[] = []
    const look = async ({ em, db }: JobDeps) => void managers.push(em, db.em)
    await attempt(
      LAST,
      async (deps) => {
        await look(deps)
        throw new Error('broken')
      },
      { onFailed: look },
    )
    const [ofRun, ofAll, ofFailure] = managers
    expect(new Set([ofRun, ofAll, ofFailure]).size).toBe(3)
  })
})
