import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { type SandboxClient, sandboxClient } from './client.ts'
import { narrateMessages } from './narrator.ts'
import { removeStaleDirectories } from './processes/stale-directories.ts'
import { openStateDirectory } from './processes/state-directory.ts'
import { stopInReverse } from './processes/supervise.ts'
import { waitUntil } from './processes/wait.ts'
import { SAMPLE_PROVIDERS } from './sample.ts'
import { type Stack, startStack } from './stack.ts'
import { LOCAL } from './state-location.ts'
import { callThisMachineDirectly } from './without-proxy.ts'

const PREFIX = 'demo-'
const STEP_WITHIN_MS = 30_000
const AMY = SAMPLE_PROVIDERS[0]

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const heading = (title: string): void => print(`\n== ${title}`)

/** `npm run demo`: the whole story once, on stores of its own, then everything is stopped and removed. */
async function main(): Promise<void> {
  callThisMachineDirectly()
  mkdirSync(LOCAL, { recursive: true })
  await removeStaleDirectories(LOCAL, PREFIX, print)
  const state = await openStateDirectory({ dir: mkdtempSync(join(LOCAL, PREFIX)), temporary: true, log: print })
  try {
    const stack = await startStack({
      dir: state.dir,
      cacheDir: LOCAL,
      ephemeral: true,
      // The hours of a shell would keep the teasers for the morning, and the story from being told.
      env: { ...process.env, DATABASE_URL: '', PORT: '', QUIET_HOURS: '' },
      log: print,
      onReceived: (kind, body) => print(`\n  ${kind}: ${body}`),
    })
    try {
      await tell(stack)
    } finally {
      await stopInReverse(stack.children, print)
    }
  } finally {
    state.close()
  }
}

async function tell(stack: Stack): Promise<void> {
  narrateMessages(stack.textmagic, print)
  const client = sandboxClient(stack.apiUrl, stack.adminApiKey, (call, status, body) => {
    print(`\n  ${call}  ->  ${status}\n${indent(JSON.stringify(body, null, 2))}`)
  })
  const quiet = sandboxClient(stack.apiUrl, stack.adminApiKey, () => undefined)

  heading('The providers are known')
  await quiet.putSampleProviders()
  print(`\n  ${SAMPLE_PROVIDERS.map(({ id, name, phone }) => `${id} ${name} ${phone}`).join('\n  ')}`)

  heading('The admin posts a lead; providers get a teaser')
  const { unlocks } = await client.postSampleLead()
  const unlockId = unlocks.find(({ provider_id }) => provider_id === AMY.id)?.id
  if (unlockId === undefined) throw new Error('Amy was not offered the lead.')
  for (const { id } of unlocks) await reaches(quiet, id, 'AWAIT_CONFIRM')

  heading('Amy replies Y and gets a payment link')
  await stack.textmagic.reply({ from: AMY.phone, text: 'Y' })
  await reaches(quiet, unlockId, 'AWAITING_PAYMENT')

  heading('Amy pays; Stripe says so; the details go out')
  const url = stack.textmagic.messages().findLast(({ text }) => text.includes('/pay/'))?.text
  const link = /(https?:\/\/\S+)/.exec(url ?? '')?.[1]
  if (link === undefined) throw new Error('No payment link was sent.')
  await stack.stripe.payLink(link)
  await reaches(quiet, unlockId, 'DONE')

  heading('What the operator sees')
  await client.unlock(unlockId)
  print('\nThe story is complete: paid, revealed, delivered.')
}

async function reaches(client: SandboxClient, unlockId: number, status: string): Promise<void> {
  let last = ''
  const inTime = await waitUntil(
    async () => {
      last = (await client.unlock(unlockId)).unlock.status
      return last === status
    },
    STEP_WITHIN_MS,
    100,
  )
  if (!inTime) throw new Error(`Unlock ${unlockId} did not become ${status}; it is ${last}.`)
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}

try {
  await main()
  process.exit(0)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
