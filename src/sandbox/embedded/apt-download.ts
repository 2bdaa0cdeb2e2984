import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The C library fits the system's own loader only, and is always there. */
const NEVER_UNPACKED = /^(libc6|libc-bin|libgcc-s1|gcc-\d+-base)_/
const COMMAND_TIMEOUT_MS = 180_000

/**
 * Downloads the first of these Debian packages that can be had, with what it depends on and the system lacks.
 * @param packages by name, in order of preference
 * @param work folder for what apt needs while at it
 * @returns the paths of the archives
 * @throws with apt's own words when none can be had
 */
export async function downloadPackages(
  packages: readonly string[],
  work: string,
  log: (line: string) => void,
): Promise<string[]> {
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
    for (const name of packages) {
      try {
        await runCommand('apt-get', [...install, ...options, ...more, name])
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
  await runCommand('apt-get', ['update', ...options, ...privateLists])
  const withPrivateLists = await attempt(privateLists)
  if (withPrivateLists.archives.length > 0) return withPrivateLists.archives
  // Without a network, updating the lists fails silently, and only the first attempt tells why.
  throw new Error([...new Set([...withSystemLists.failures, ...withPrivateLists.failures])].join('\n'))
}

function archivesIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((file) => file.endsWith('.deb') && !NEVER_UNPACKED.test(file))
    .map((file) => join(dir, file))
}

/** Runs a command to its end; the error of one that fails is what it said itself. */
export async function runCommand(command: string, args: string[]): Promise<void> {
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await promisify(execFile)(command, args, { env, timeout: COMMAND_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 })
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new Error(stderr === '' ? `${command} failed` : stderr, { cause: error })
  }
}
