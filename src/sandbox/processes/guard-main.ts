import { rmSync } from 'node:fs'
import { Value } from 'typebox/value'
import { GuardOrder } from './guard.ts'
import { isRunning } from './identity.ts'
import { stopLeftovers } from './leftovers.ts'
import { waitUntil } from './wait.ts'

// The first line on the standard input is the order, the second says that all ended well. When the input ends without
// that second line, the process that gave the order is dying or dead, and has left its children behind.
let input = ''
for await (const chunk of process.stdin.setEncoding('utf8')) input += chunk

const [order = '', dismissal] = input.split('\n')
if (dismissal !== 'dismissed') {
  const { stateDir, owner, removeDir } = Value.Parse(GuardOrder, JSON.parse(order))
  // Its pipe closes a moment before the process is gone from the process table.
  await waitUntil(() => !isRunning(owner), 10_000)
  await stopLeftovers(stateDir, (line) => console.log(`${new Date().toISOString()} ${line}`))
  if (removeDir && !isRunning(owner)) rmSync(stateDir, { recursive: true, force: true })
}
