import { relative } from 'node:path'
import { sandboxClient } from './client.ts'
import { narrateMessages } from './narrator.ts'
import { openStateDirectory } from './processes/state-directory.ts'
import { superviseUntilSignal } from './processes/supervise.ts'
import { startStack } from './stack.ts'
import { LOCAL, stateDirectory } from './state-location.ts'
import { callThisMachineDirectly } from './without-proxy.ts'

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** `npm start`: the product on this machine until Ctrl-C, with a sample lead to play with. */
async function main(): Promise<number> {
  callThisMachineDirectly()
  const state = await openStateDirectory({ dir: stateDirectory(process.env), log: print })
  try {
    const stack = await startStack({
      dir: state.dir,
      cacheDir: LOCAL,
      env: process.env,
      log: print,
      onReceived: (kind, body) =>
        print(`\n  ${kind === 'alert' ? 'Alert' : 'Forwarded to the booking system'}: ${body}`),
    })
    narrateMessages(stack.textmagic, print)
    const client = sandboxClient(stack.apiUrl, stack.adminApiKey, () => undefined)
    await client.putSampleProviders()
    const { lead } = await client.postSampleLead()
    const inside = relative('', state.dir)
    const kept = inside.startsWith('..') ? state.dir : inside
    print(
      [
        '',
        `Lead Unlock is running. Sample lead ${lead.id} was posted.`,
        '',
        `  Phones      ${stack.pagesUrl}/sandbox    reply Y as Amy, pay, read the details`,
        `  API         ${stack.apiUrl}/docs`,
        `  Queues      ${stack.apiUrl}/admin/queues    sign in with the admin key`,
        `  Metrics     ${stack.apiUrl}/metrics, ${stack.workerUrl}/metrics    Authorization: Bearer <admin key>`,
        `  Gateways    ${stack.textmagic.url}, ${stack.stripe.url}    /_control/faults makes them fail`,
        `  Admin key   ${stack.adminApiKey}`,
        `  Logs        ${kept}/logs/`,
        '',
        `Ctrl-C stops everything; the data stay in ${kept}/.`,
      ].join('\n'),
    )
    return await superviseUntilSignal({ children: stack.children, log: print })
  } finally {
    state.close()
  }
}

try {
  process.exit(await main())
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
