import { isRunning, isSame, ownIdentity } from './identity.ts'
import { listRecords, type ProcessRecord, readRecord, removeRecord } from './records.ts'
import { stopProcess } from './stopping.ts'

/** Thrown when what a state directory holds is in use by a run that is alive. */
export class InUseError extends Error {
  override name = 'InUseError'
}

/**
 * Stops what a run that was killed left running in this state directory, and forgets it. What belongs to a run that
 * is still alive is left alone.
 * @param log told what is stopped, one line each
 */
export async function stopLeftovers(stateDir: string, log: (line: string) => void): Promise<void> {
  const left = listRecords(stateDir).filter((record) => !isRunning(record.owner))
  await Promise.all(left.map((record) => stopLeftover(stateDir, record, log)))
}

/**
 * Makes sure nothing by this name runs in the state directory.
 * @throws InUseError when a run that is alive has it
 */
export async function claimName(stateDir: string, name: string, log: (line: string) => void): Promise<void> {
  const record = readRecord(stateDir, name)
  if (record === undefined) return
  if (isRunning(record.owner) && isRunning(record.process)) {
    const whose = isSame(record.owner, ownIdentity()) ? 'this process' : `process ${record.owner.pid}`
    throw new InUseError(`${name} in ${stateDir} is already running, started by ${whose}.`)
  }
  await stopLeftover(stateDir, record, log)
}

async function stopLeftover(stateDir: string, record: ProcessRecord, log: (line: string) => void): Promise<void> {
  if (isRunning(record.process)) {
    log(`stopping ${record.name} (process ${record.process.pid}), left over from a run that was killed`)
    const stopped = await stopProcess(record.process, record.stop)
    if (!stopped) throw new Error(`${record.name} (process ${record.process.pid}) could not be stopped.`)
  }
  removeRecord(stateDir, record.name, record.process)
}
