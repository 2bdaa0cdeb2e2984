import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Written last, so that an installation which was interrupted has none. */
const STAMP = 'node_modules/.lead-unlock-lock'
/** What npm writes down about what it has installed, at the end of an installation. */
const INSTALLED = 'node_modules/.package-lock.json'
/** Node 24, from the `node` package; its absence means that install scripts did not run. */
const NODE = 'node_modules/.bin/node'

/**
 * Why `npm ci` has to run, for a person; undefined when everything is in place.
 * @param {string} root the project's folder
 * @returns {string | undefined}
 */
export function whyNotInstalled(root) {
  if (!existsSync(join(root, 'node_modules'))) return 'node_modules is missing'
  const stamp = readText(join(root, STAMP))
  if (stamp === undefined) return 'the last installation did not finish'
  if (stamp !== expectedStamp(root)) return 'package-lock.json has changed'
  return missingPart(root)
}

/**
 * Accepts an installation made by hand when it is exactly the one package-lock.json asks for.
 * @param {string} root
 * @returns {boolean} whether it was accepted
 */
export function adoptInstallation(root) {
  const installed = readPackages(join(root, INSTALLED))
  const wanted = readPackages(join(root, 'package-lock.json'))
  if (installed === undefined || wanted === undefined) return false
  const same =
    Object.keys(installed).every((path) => wanted[path] !== undefined) &&
    Object.entries(wanted).every(([path, entry]) => {
      const there = installed[path]
      // npm leaves out optional packages meant for other platforms.
      if (path === '' || (there === undefined && entry.optional === true)) return true
      return there?.version === entry.version && there?.integrity === entry.integrity
    })
  if (!same || missingPart(root) !== undefined) return false
  writeStamp(root)
  return true
}

/**
 * Notes that what is installed now is what package-lock.json asks for.
 * @param {string} root
 */
export function writeStamp(root) {
  writeFileSync(join(root, STAMP), expectedStamp(root))
}

/** @param {string} root */
function missingPart(root) {
  if (!existsSync(join(root, NODE))) return `${NODE} is missing`
  const installed = readPackages(join(root, INSTALLED))
  if (installed === undefined) return 'the last installation did not finish'
  const missing = Object.keys(installed).find((path) => !existsSync(join(root, path, 'package.json')))
  return missing === undefined ? undefined : `${missing} is missing`
}

/** The programs among the packages are those of one platform, so a folder copied to another machine does not match. */
function expectedStamp(root) {
  const lock = readFileSync(join(root, 'package-lock.json'))
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`
}

/**
 * @param {string} path of a package-lock.json
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }> | undefined}
 */
function readPackages(path) {
  const text = readText(path)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text).packages
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** @param {string} path */
function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
