import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hasCode } from '../processes/identity.ts'
import type { RedisCandidate, RedisSearch } from './redis-binary.ts'

/** Package and program have the same name in Debian and Ubuntu. */
const PACKAGES = ['redis-server', 'valkey-server']
/** The C library fits the system's own loader only, and is always there. */
const NEVER_UNPACKED = /^(libc6|libc-bin|libgcc-s1|gcc-\d+-base)_/
const COMMAND_TIMEOUT_MS = 180_000

/**
 * The Redis of Debian's or Ubuntu's own package, unpacked into `cacheDir` with the libraries the system lacks. Nothing
 * is installed, and it takes no rights beyond writing there. Packages are verified by apt as for an installation.
 * @returns nothing on other systems
 * @throws when the package cannot be fetched
 */
export async function unpackDistributionPackage({ cacheDir, log }: RedisSearch): Promise<RedisCandidate[]> {
  const root = join(cacheDir, 'redis-package')
  const kept = programsUnder(root)
  if (await anyRuns(kept)) return kept
  if (!(await isCommand('apt-get')) || !(await isCommand('dpkg-deb'))) return []
  // What was unpacked before a change of the system's own libraries may not run any more.
  rmSync(root, { recursive: true, force: true })
  mkdirSync(cacheDir, { recursive: true })
  const work = mkdtempSync(join(cacheDir, 'redis-package-'))
  try {
    log('fetching the Redis package of this distribution (once, about 2 MB, some seconds) …')
    const archives = await download(work, log)
    const draft = join(work, 'root')
    mkdirSync(draft)
    for (const archive of archives) await run('dpkg-deb', ['--extract', archive, draft])
    moveIntoPlace(draft, root)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return programsUnder(root)
}

/** Downloads the first package that can be had, with what it depends on and the system lacks. */
async function download(work: string, log: (line: string) => void): Promise<string[]> {
  const cache = join(work, 'cache')
  const lists = join(work, 'lists')
  for (const dir of [join(cache, 'archives', 'partial'), join(lists, 'partial')]) mkdirSync(dir, { recursive: true })
  const options = [
    ...['-o', 'Debug::NoLocking=true', '-o', `Dir::Cache=${cache}`],
    ...['-o', 'Acquire::Retries=2', '-o', 'Acquire::http::Timeout=15', '-o', 'Acquire::https::Timeout=15'],
    // apt otherwise downloads as the account `_apt`, which may not be let into this folder.
    ...(process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : []),
  ]
  const install = ['install', '--yes', '--no-install-recommends', '--download-only']
  const attempt = async (more: string[]) => {
    const failures: string[] = []
    for (const name of PACKAGES) {
      try {
        await run('apt-get', [...install, ...options, ...more, name])
        return { archives: archivesIn(join(cache, 'archives')), failures }
      } catch (error) {
        failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    return { archives: [], failures }
  }
  const withSystemLists = await attempt([])
  if (withSystemLists.archives.length > 0) return withSystemLists.archives
  // The system's own lists are missing, as in a container image, or name versions the mirror no longer has.
  log("updating a private copy of the distribution's package lists …")
  const privateLists = ['-o', `Dir::State::lists=${lists}`]
  await run('apt-get', ['update', ...options, ...privateLists])
  const withPrivateLists = await attempt(privateLists)
  if (withPrivateLists.archives.length > 0) return withPrivateLists.archives
  throw new Error(withPrivateLists.failures.join('\n'))
}

function archivesIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((file) => file.endsWith('.deb') && !NEVER_UNPACKED.test(file))
    .map((file) => join(dir, file))
}

function moveIntoPlace(draft: string, root: string): void {
  try {
    renameSync(draft, root)
  } catch (error) {
    // Another process unpacked it at the same time.
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error
  }
}

function programsUnder(root: string): RedisCandidate[] {
  const libraries = libraryFolders(root).join(':')
  const inherited = process.env.LD_LIBRARY_PATH
  const path = inherited === undefined || inherited === '' ? libraries : `${libraries}:${inherited}`
  return PACKAGES.map((name) => join(root, 'usr', 'bin', name))
    .filter((command) => existsSync(command))
    .map((command) => ({ command, env: { ...process.env, LD_LIBRARY_PATH: path } }))
}

async function anyRuns(candidates: readonly RedisCandidate[]): Promise<boolean> {
  for (const { command, env } of candidates) {
    const status = await promisify(execFile)(command, ['--version'], { env }).then(
      () => true,
      () => false,
    )
    if (status) return true
  }
  return false
}

/** `lib`, `usr/lib`, and in them the folder of the architecture, e.g. `usr/lib/x86_64-linux-gnu`. */
function libraryFolders(root: string): string[] {
  return ['usr/lib', 'lib']
    .map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => [
      folder,
      ...readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'))
        .map((entry) => join(folder, entry.name)),
    ])
}

async function isCommand(name: string): Promise<boolean> {
  try {
    await promisify(execFile)(name, ['--version'])
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** Runs a command to its end; the error of one that fails is what it said itself. */
async function run(command: string, args: string[]): Promise<void> {
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await promisify(execFile)(command, args, { env, timeout: COMMAND_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 })
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new Error(stderr === '' ? `${command} failed` : stderr, { cause: error })
  }
}
