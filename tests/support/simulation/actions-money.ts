import { StripeApiError } from '../../../src/sandbox/stripe/api-error.ts'
import { Refusal } from '../../../src/sandbox/stripe/ledger/refusal.ts'
import type { World } from './world.ts'

/** The links that somebody was sent, by URL. */
export function knownLinks({ accepted }: World): string[] {
  const urls = accepted
    .filter(({ purpose }) => purpose === 'payment_link')
    .map((sms) => /https:\/\/\S+/.exec(sms.text)?.[0])
    .filter((url) => url !== undefined)
  return [...new Set(urls)]
}

/** Whoever holds a link pays, or opens its page and leaves it open. */
export async function useLink(world: World): Promise<void> {
  const links = knownLinks(world)
  if (links.length === 0) return
  const { random, stripe } = world
  const url = random.pick(links)
  const way = random.weighted([
    [10, 'pays'],
    [4, 'opens'],
    [1, 'pays a wrong amount on'],
    [1, 'pays later on'],
    [1.5, 'pays twice on'],
    [0.5, 'pays as somebody else on'],
  ] as const)
  const id = `link ${links.indexOf(url) + 1}`
  await attempt(world, `somebody ${way} ${id}`, async () => {
    switch (way) {
      case 'pays':
        return stripe.actions.payLink(url)
      case 'opens':
        return stripe.actions.openSession(url)
      case 'pays a wrong amount on':
        return stripe.actions.payLink(url, { amount: 1000 })
      case 'pays later on':
        return stripe.actions.payLink(url, { async: true })
      case 'pays twice on':
        await stripe.actions.payLink(url)
        return stripe.actions.payLink(url, { force: true })
      case 'pays as somebody else on':
        return stripe.actions.payLink(url, { metadata: { unlock_id: '999', lead_id: 'lead_xxxxxxxx' } })
    }
  })
}

/** A page that was left open is paid. */
export async function payOpenPage(world: World): Promise<void> {
  const open = world.stripe.state.sessions.all().filter(({ status }) => status === 'open')
  if (open.length === 0) return
  const session = world.random.pick(open)
  await attempt(world, 'somebody pays a page that was open', () => world.stripe.actions.paySession(session.id))
}

/** The bank decides on a payment or a refund that waits for it. */
export async function bankDecides(world: World): Promise<void> {
  const { state, actions } = world.stripe
  const { random } = world
  const waiting = state.sessions
    .all()
    .filter((session) => state.paymentIntents.get(session.payment_intent ?? '')?.status === 'processing')
  const refunds = state.refunds.all().filter(({ status }) => status === 'pending')
  const outcome = world.calm || random.chance(0.7) ? 'succeeded' : 'failed'
  if (waiting.length > 0 && (refunds.length === 0 || random.chance(0.5))) {
    const { id } = random.pick(waiting)
    await attempt(world, `the bank says ${outcome} of a payment`, () => actions.settleAsync(id, outcome))
  } else if (refunds.length > 0) {
    const { id } = random.pick(refunds)
    await attempt(world, `the bank says ${outcome} of a refund`, () => actions.settleRefund(id, outcome))
  }
}

/** Somebody at Stripe's dashboard, or the payer's bank, acts on a payment; or banks change how they treat refunds. */
export async function dashboard(world: World): Promise<void> {
  const { random, stripe } = world
  const paid = stripe.state.paymentIntents.all().filter(({ status }) => status === 'succeeded')
  if (paid.length === 0) return
  const { id } = random.pick(paid)
  const what = random.weighted([
    [3, 'refunds'],
    [1, 'refunds a part of'],
    [1, 'disputes'],
    [1, 'closes the dispute of'],
    [1, 'changes the refunds from'],
  ] as const)
  await attempt(world, `dashboard ${what} payment ${paid.findIndex((one) => one.id === id) + 1}`, async () => {
    switch (what) {
      case 'refunds':
        return stripe.actions.refund(id)
      case 'refunds a part of':
        return stripe.actions.refund(id, { amount: 500 })
      case 'disputes':
        return stripe.actions.dispute(id)
      case 'closes the dispute of':
        return stripe.actions.closeDispute(id, random.pick(['won', 'lost']))
      case 'changes the refunds from':
        return stripe.actions.setRefundOutcome(random.pick(['succeeded', 'pending', 'failed']))
    }
  })
}

/** Does what the state of the account may forbid. */
async function attempt(world: World, what: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
    world.steps.push(what)
  } catch (error) {
    if (!(error instanceof Refusal) && !(error instanceof StripeApiError)) throw error
    world.steps.push(`${what}: refused`)
  }
}
