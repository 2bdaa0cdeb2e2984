import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { buildRedis } from './redis-build.ts'
import { unpackDistributionPackage } from './redis-package.ts'

/** A Redis server program that has been found to run on this machine. */
export type RedisBinary = {
  command: string
  /** The environment it needs. */
  env: NodeJS.ProcessEnv
  /** Where it comes from, for a person, e.g. `redis-server 7.0.15 on the PATH`. */
  source: string
}

/** A program to try, before it is known to run. */
export type RedisCandidate = Omit<RedisBinary, 'source'>

export type RedisSearch = {
  /** Folder for what has to be unpacked or built; kept for the next start. */
  cacheDir: string
  log: (line: string) => void
}

const PROGRAMS = ['redis-server', 'valkey-server']
/** What BullMQ asks for (its documentation, "Compatibility"). */
const OLDEST = [6, 2] as const

/**
 * Finds a Redis server: on the PATH; else the distribution's package, unpacked into `cacheDir` and not installed; else
 * built from source.
 * @throws with everything that was tried, and what to do, when there is none
 */
export async function findRedis(search: RedisSearch): Promise<RedisBinary> {
  const tried: string[] = []
  const ways = [
    { from: 'on the PATH', find: async () => onPath() },
    { from: "from the distribution's package", find: () => unpackDistributionPackage(search) },
    { from: 'built from source', find: () => buildRedis(search) },
  ]
  for (const { from, find } of ways) {
    const failures: string[] = []
    try {
      for (const candidate of await find()) {
        const version = await describeVersion(candidate).catch((error: unknown) => failures.push(messageOf(error)))
        if (typeof version === 'string') return { ...candidate, source: `${version} ${from}` }
      }
    } catch (error) {
      failures.push(messageOf(error))
    }
    tried.push(`${from}: ${failures.length === 0 ? 'none' : failures.join('; ')}`)
  }
  throw new Error(
    [
      'No Redis server was found, and none could be fetched:',
      ...tried.map((line) => `  ${line.replaceAll('\n', '\n    ')}`),
      'Install one (apt install redis-server, brew install redis), or set REDIS_URL to one that is running.',
    ].join('\n'),
  )
}

/**
 * The server's name and version, by running it.
 * @throws when it does not run, or is too old
 */
export async function describeVersion({ command, env }: RedisCandidate): Promise<string> {
  const { stdout } = await promisify(execFile)(command, ['--version'], { env, timeout: 10_000 })
  // `Redis server v=7.0.15 sha=…`, `Valkey server v=8.0.1 sha=…`
  const [, name = '', major = '', minor = '', rest = ''] = /^(\w+) server v=(\d+)\.(\d+)(\S*)/.exec(stdout) ?? []
  if (name === '') throw new Error(`${command} --version says: ${stdout.trim()}`)
  const version = `${major}.${minor}${rest}`
  const recent = Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1])
  if (!recent) throw new Error(`${command} is version ${version}; ${OLDEST.join('.')} or newer is needed`)
  return `${name} ${version}`
}

function onPath(): RedisCandidate[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return PROGRAMS.flatMap((program) => folders.map((folder) => join(folder, program)))
    .filter(isProgram)
    .map((command) => ({ command, env: process.env }))
}

function isProgram(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') return false
    throw error
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
