import { FaultSwitch } from '../faults.ts'
import { Account } from './account.ts'
import { CallbackSender } from './callback-sender.ts'
import { digits, Gateway } from './gateway.ts'
import { PendingWork } from './pending-work.ts'
import { Receipts } from './receipts.ts'
import { RequestRate } from './request-rate.ts'
import { buildServer } from './server.ts'
import { changeSettings, defaultSettings, type Settings } from './settings.ts'
import { readStateFile, StateFile } from './state-file.ts'
import type { TextMagicEmulator, TextMagicOptions } from './types.ts'

/**
 * Starts a TextMagic REST v2 gateway on this machine that behaves as its public documents say, and texts nobody.
 * Throws when a setting is malformed, the port is taken, or the state file is not one of ours.
 */
export async function startTextMagicEmulator(options: TextMagicOptions): Promise<TextMagicEmulator> {
  const { username, apiKey, port = 0, stateFile, now = () => new Date(), random, ...rest } = options
  let settings = changeSettings(defaultSettings, rest)
  const currentSettings = () => settings
  const configure = (changes: Partial<Settings>) => {
    settings = changeSettings(settings, changes)
  }

  const account = new Account(now, stateFile === undefined ? undefined : await readStateFile(stateFile))
  const saved = stateFile === undefined ? async () => undefined : keepSaved(account, stateFile)
  const faults = new FaultSwitch(random)
  const pending = new PendingWork()
  const callbacks = new CallbackSender(currentSettings, now, pending)
  const receipts = new Receipts(account, callbacks, pending, currentSettings)
  const rate = new RequestRate()
  const gateway = new Gateway({ account, receipts, callbacks, rate, settings: currentSettings, configure, saved })
  const app = buildServer({ username, apiKey, faults, gateway })
  const url = await app.listen({ port, host: '127.0.0.1' })
  resumeReceipts(account, receipts)

  let closed: Promise<void> | undefined
  const close = async () => {
    const ended = pending.close()
    await callbacks.close()
    await ended
    await app.close()
    await saved()
  }

  return {
    url,
    faults,
    messages: () => account.messages,
    replies: () => account.replies,
    callbacks: () => callbacks.posts,
    maxPerSecond: () => rate.most,
    reply: (incoming) => gateway.receive(incoming),
    deliver: (id, status, rejectReason) => receipts.set(id, { status, rejectReason: rejectReason ?? null }),
    configure,
    setReceiptOutcome(phone, status, rejectReason) {
      receipts.setOutcome(digits(phone), { status, rejectReason: rejectReason ?? null })
    },
    unsubscribe: (phone) => void account.unsubscribe(digits(phone)),
    subscribe: (phone) => account.subscribe(digits(phone)),
    isUnsubscribed: (phone) => account.isUnsubscribed(digits(phone)),
    onChange: (listener) => account.onChange(listener),
    settled: () => pending.settled(),
    close() {
      closed ??= close()
      return closed
    },
  }
}

/** Saves after each change, and returns how to wait for it. */
function keepSaved(account: Account, path: string): () => Promise<void> {
  const file = new StateFile(path, () => account.snapshot())
  account.onChange(() => {
    file.save().catch((error: NodeJS.ErrnoException) => {
      process.emitWarning(`The TextMagic emulator could not write its state file: ${error.code ?? error.message}`)
    })
  })
  return () => file.save()
}

/** Messages accepted by an earlier run still get their receipt. */
function resumeReceipts(account: Account, receipts: Receipts): void {
  for (const message of account.messages) {
    if (message.status === 'q') void receipts.follow(message)
  }
}
