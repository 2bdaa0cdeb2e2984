import { runProcess } from '../../src/sandbox/processes/run-process.ts'
import { openStateDirectory } from '../../src/sandbox/processes/state-directory.ts'
import { terminateThenKill } from '../../src/sandbox/processes/stopping.ts'
import { superviseUntilSignal } from '../../src/sandbox/processes/supervise.ts'

// Runs the scripts given as arguments, as children named a, b, c …, until it is told to stop.
const [dir = '', ...scripts] = process.argv.slice(2)
const log = (line: string) => console.log(line)
const state = await openStateDirectory({ dir, log })
const children = []
for (const [index, script] of scripts.entries()) {
  const name = String.fromCharCode('a'.charCodeAt(0) + index)
  const stop = terminateThenKill(60_000)
  children.push(await runProcess({ name, command: process.execPath, args: ['-e', script], log, stateDir: dir, stop }))
}
console.log('supervising')
// Whoever waits for that line may send a signal before the next one has been reached.
const until = performance.now() + 100
while (performance.now() < until);
process.exitCode = await superviseUntilSignal({ children, log }).finally(() => state.close())
