import { join } from 'node:path'
import { waitForReady } from './processes/ready.ts'
import { type RunningProcess, runProcess } from './processes/run-process.ts'

export type ProductOptions = {
  /** State directory: output goes to `logs/<name>.log` in it. */
  dir: string
  /** The product's environment, as in production. */
  env: Record<string, string>
}

const MIGRATE_WITHIN_MS = 120_000
const READY_WITHIN_MS = 60_000
const root = join(import.meta.dirname, '..', '..')

/** Runs `npm run migrate`'s program to its end. Rejects with its last lines when it fails. */
export async function migrate(options: ProductOptions): Promise<void> {
  const process = await launch(options, 'migrate', 'src/db/migrate.ts')
  const timer = setTimeout(() => process.kill(), MIGRATE_WITHIN_MS)
  const { code } = await process.exited
  clearTimeout(timer)
  if (code !== 0) throw new Error(['The migration failed.', ...process.lastLines()].join('\n  '))
}

/** Starts `npm run api`'s program and waits until it is ready. */
export async function startApiProcess(options: ProductOptions): Promise<RunningProcess> {
  const api = await launch(options, 'api', 'src/api/server.ts')
  try {
    await waitForReady(api, async () => (await fetch(`${localUrl(options.env)}/readyz`)).ok, READY_WITHIN_MS)
  } catch (error) {
    await api.stop()
    throw error
  }
  return api
}

/** Starts `npm run worker`'s program. @param name tells several apart */
export async function startWorkerProcess(options: ProductOptions, name = 'worker'): Promise<RunningProcess> {
  const worker = await launch(options, name, 'src/workers/main.ts')
  try {
    await waitForReady(
      worker,
      () => worker.lastLines().some((line) => line.includes('"msg":"working"')),
      READY_WITHIN_MS,
    )
  } catch (error) {
    await worker.stop()
    throw error
  }
  return worker
}

/** Where the API is reached on this machine. */
export function localUrl(env: Record<string, string>): string {
  return `http://127.0.0.1:${env.PORT}`
}

function launch({ dir, env }: ProductOptions, name: string, program: string): Promise<RunningProcess> {
  const { PATH = '', HOME = '', TZ = '' } = process.env
  return runProcess({
    name,
    command: process.execPath,
    args: [join(root, program)],
    env: { PATH, HOME, ...(TZ === '' ? {} : { TZ }), ...env },
    logFile: join(dir, 'logs', `${name}.log`),
    stateDir: dir,
  })
}
