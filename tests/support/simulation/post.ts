import { NotDoneError, UnclearError } from '../../../src/gateways/errors.ts'
import type { WebhookPost } from '../../../src/gateways/webhook-post.ts'
import type { Network } from './network.ts'
import { operation } from './tasks.ts'

export type SimulatedPost = WebhookPost & {
  /** What the operators' alert webhook got. */
  alerts: string[]
  /** What the booking system got. */
  forwarded: string[]
}

/** The other systems we post to, as well or badly as the network reaches them. */
export function simulatedPost(network: Network): SimulatedPost {
  const alerts: string[] = []
  const forwarded: string[] = []
  const post = (label: string, record: () => void) =>
    operation(label, async () => {
      const fate = network.fateOf('post', true)
      if (fate.type === 'ok' || fate.type === 'answer_lost' || fate.type === 'wrong_answer') record()
      network.pass(fate)
      if (fate.type === 'unreachable') throw new NotDoneError('unreachable')
      if (fate.type !== 'ok') throw new UnclearError('connection_lost')
    })
  return {
    alerts,
    forwarded,
    forward: (_url, { body }) => post('forward', () => forwarded.push(body.toString('utf8'))),
    postJson: (_url, value) => post('alert', () => alerts.push(JSON.stringify(value))),
    close: async () => undefined,
  }
}
