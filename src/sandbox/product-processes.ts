import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { waitForReady } from './processes/ready.ts'
import { type RunningProcess, runProcess } from './processes/run-process.ts'
import { terminateThenKill } from './processes/stopping.ts'
import { LOCAL } from './state-location.ts'

export type ProductOptions = {
  /** State directory: output goes to `logs/<name>.log` in it. */
  dir: string
  /** The product's environment, as in production. */
  env: Record<string, string>
}

/**
 * What `npm run api`, `npm run worker` and `npm run migrate` run. With memory for many times what they keep, and no more:
 * Node lets garbage grow with its limit.
 */
export const PROGRAMS = {
  api: ['--max-old-space-size=512', 'src/api/server.ts'],
  worker: ['--max-old-space-size=512', 'src/workers/main.ts'],
  migrate: ['src/db/migrate.ts'],
} as const
export type ProgramName = keyof typeof PROGRAMS

const MIGRATE_WITHIN_MS = 120_000
const READY_WITHIN_MS = 60_000
/** A worker ends by itself within 40 s, an API within 10 s. */
const STOP_WITHIN_MS = 45_000
const root = join(import.meta.dirname, '..', '..')
/** Compiled code is kept between starts, which takes a quarter less of the processor for each. */
export const NODE_COMPILE_CACHE = join(LOCAL, 'compile-cache')

/** Runs `npm run migrate`'s program to its end. Rejects with its last lines when it fails. */
export async function migrate(options: ProductOptions): Promise<void> {
  const process = await launchProgram('migrate', options)
  const timer = setTimeout(() => process.kill(), MIGRATE_WITHIN_MS)
  const { code } = await process.exited
  clearTimeout(timer)
  if (code !== 0) throw new Error(['The migration failed.', ...process.lastLines()].join('\n  '))
}

/** Starts `npm run api`'s program and waits until it is ready. @param name tells several apart */
export async function startApiProcess(options: ProductOptions, name = 'api'): Promise<RunningProcess> {
  const api = await launchProgram('api', options, name)
  return whenReady(api, async () => (await fetch(`${localUrl(options.env)}/readyz`)).ok)
}

/**
 * Starts `npm run worker`'s program and waits until it says that it works; one whose LOG_LEVEL silences that is not waited
 * for.
 * @param name tells several apart
 */
export async function startWorkerProcess(options: ProductOptions, name = 'worker'): Promise<RunningProcess> {
  const written = writtenAfterNow(logPath(options, name))
  const worker = await launchProgram('worker', options, name)
  const saysSo = ['trace', 'debug', 'info'].includes(options.env.LOG_LEVEL ?? 'info')
  return whenReady(worker, () => !saysSo || written().includes('"msg":"working"'))
}

/** Starts one of the product's programs without waiting for anything. @param name tells several apart */
export function launchProgram(
  program: ProgramName,
  options: ProductOptions,
  name: string = program,
): Promise<RunningProcess> {
  const { PATH = '', HOME = '', TZ = '' } = process.env
  return runProcess({
    name,
    command: process.execPath,
    args: PROGRAMS[program].map((word) => (word.startsWith('--') ? word : join(root, word))),
    env: { PATH, HOME, NODE_COMPILE_CACHE, ...(TZ === '' ? {} : { TZ }), ...options.env },
    logFile: logPath(options, name),
    stateDir: options.dir,
    stop: terminateThenKill(STOP_WITHIN_MS),
  })
}

/** Where the API is reached on this machine. */
export function localUrl(env: Record<string, string>): string {
  return `http://127.0.0.1:${env.PORT}`
}

async function whenReady(process: RunningProcess, probe: () => boolean | Promise<boolean>): Promise<RunningProcess> {
  try {
    await waitForReady(process, probe, READY_WITHIN_MS)
  } catch (error) {
    await process.stop()
    throw error
  }
  return process
}

function logPath({ dir }: ProductOptions, name: string): string {
  return join(dir, 'logs', `${name}.log`)
}

/** Reads what is written to a log from now on; also when it is put aside for having grown too long. */
function writtenAfterNow(path: string): () => string {
  const before = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  return () => {
    if (!existsSync(path)) return ''
    const content = readFileSync(path)
    return content.subarray(content.length < before ? 0 : before).toString('utf8')
  }
}
