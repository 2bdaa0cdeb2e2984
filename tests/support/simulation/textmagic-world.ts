import Fastify, { type FastifyInstance } from 'fastify'
import { createTextMagic, type TextMagic } from '../../../src/gateways/textmagic.ts'
import { Account } from '../../../src/sandbox/textmagic/account.ts'
import { CallbackSender } from '../../../src/sandbox/textmagic/callback-sender.ts'
import { answerErrors } from '../../../src/sandbox/textmagic/error-answers.ts'
import { Gateway } from '../../../src/sandbox/textmagic/gateway.ts'
import { PendingWork } from '../../../src/sandbox/textmagic/pending-work.ts'
import { Receipts } from '../../../src/sandbox/textmagic/receipts.ts'
import { RequestRate } from '../../../src/sandbox/textmagic/request-rate.ts'
import { registerMessages } from '../../../src/sandbox/textmagic/routes/messages.ts'
import { registerReplies } from '../../../src/sandbox/textmagic/routes/replies.ts'
import { registerSessions } from '../../../src/sandbox/textmagic/routes/sessions.ts'
import { registerUnsubscribers } from '../../../src/sandbox/textmagic/routes/unsubscribers.ts'
import { defaultSettings } from '../../../src/sandbox/textmagic/settings.ts'
import type { SentMessage } from '../../../src/sandbox/textmagic/types.ts'
import type { SimulatedClock } from './clock.ts'
import type { Network } from './network.ts'
import { operation } from './tasks.ts'
import { TextMagicWire } from './textmagic-wire.ts'

export type TextMagicWorld = {
  account: Account
  /** The product's own client, on a wire without sockets. */
  client: TextMagic
  /** Requests under way that nobody waits for any more take effect when their time has come. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** The sender number that the account refuses, where it refuses one. */
const OUR_NUMBER = '+15557770000'

/**
 * The TextMagic emulator, driven by the simulation: its account and its API without a socket, a timer or a callback.
 *
 * @param onSend told of each send, by its reference, before anything becomes of it
 * @param onAccepted told of each SMS the gateway accepts, before the sender is answered
 * @param refusesSender answers 400 to sends that name our number, as some accounts do
 */
export async function openTextMagic(options: {
  clock: SimulatedClock
  network: Network
  refusesSender: boolean
  onSend: (reference: number) => Promise<void>
  onAccepted: (message: SentMessage) => Promise<void>
}): Promise<TextMagicWorld> {
  const { clock, network, refusesSender, onSend, onAccepted } = options
  const settings = () => ({ ...defaultSettings, rejectFrom: refusesSender })
  const account = new Account(() => clock.date())
  const pending = new PendingWork()
  const callbacks = new CallbackSender(settings, () => clock.date(), pending)
  const gateway = new Gateway({
    account,
    receipts: new DrivenReceipts(account, callbacks, pending, settings, onAccepted),
    callbacks,
    rate: new RequestRate(),
    settings,
    configure: () => undefined,
    saved: async () => undefined,
  })
  const app = await serve(gateway)
  const wire = new TextMagicWire(app, network, clock, onSend)
  const client = createTextMagic({
    baseUrl: 'http://textmagic.invalid',
    username: 'simulated',
    apiKey: 'simulated',
    from: OUR_NUMBER,
    // Time limits are the network's affair here; no timer of the machine ends a call.
    timeoutMs: 1_000_000_000,
    limiter: { acquire: () => operation('send limit', async () => undefined) },
    dispatcher: wire,
  })
  return {
    account,
    client,
    settle: () => wire.settle(),
    async close() {
      await callbacks.close()
      await app.close()
    },
  }
}

async function serve(gateway: Gateway): Promise<FastifyInstance> {
  const app = Fastify()
  answerErrors(app)
  await app.register(
    async (api) => {
      registerMessages(api, gateway)
      registerSessions(api, gateway)
      registerReplies(api, gateway)
      registerUnsubscribers(api, gateway)
    },
    { prefix: '/api/v2' },
  )
  await app.ready()
  return app
}

/** Decides nothing by itself: what becomes of a message is the history's to say. */
class DrivenReceipts extends Receipts {
  readonly #onAccepted: (message: SentMessage) => Promise<void>

  constructor(
    ...[account, callbacks, pending, settings, onAccepted]: [
      ...ConstructorParameters<typeof Receipts>,
      (message: SentMessage) => Promise<void>,
    ]
  ) {
    super(account, callbacks, pending, settings)
    this.#onAccepted = onAccepted
  }

  override follow(message: SentMessage): Promise<void> {
    return this.#onAccepted(message)
  }
}
