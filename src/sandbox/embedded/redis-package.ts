import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hasCode } from '../processes/system-error.ts'
import { downloadPackages, runCommand } from './apt-download.ts'
import type { RedisCandidate, RedisSearch } from './redis-binary.ts'

/** Package and program have the same name in Debian and Ubuntu. */
const PACKAGES = ['redis-server', 'valkey-server']

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
    const archives = await downloadPackages(PACKAGES, work, log)
    const draft = join(work, 'root')
    mkdirSync(draft)
    for (const archive of archives) await runCommand('dpkg-deb', ['--extract', archive, draft])
    moveIntoPlace(draft, root)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return programsUnder(root)
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
    const runs = promisify(execFile)(command, ['--version'], { env })
    if (await runs.then(Boolean, () => false)) return true
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
