import { readFileSync } from 'node:fs'

/** @returns the version of the product, of its package.json */
export function productVersion(): string {
  const { version }: { version?: unknown } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  return typeof version === 'string' ? version : 'unknown'
}
