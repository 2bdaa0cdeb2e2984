import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { newSandboxSecrets } from './environment.ts'

const text = Type.String({ minLength: 1 })
const port = Type.Integer({ minimum: 1, maximum: 65_535 })

const Kept = Type.Object({
  secrets: Type.Object({
    adminApiKey: text,
    operatorApiKey: text,
    stripeSecretKey: text,
    stripeWebhookSecret: text,
    textmagicApiKey: text,
    textmagicWebhookToken: text,
    encryptionKeys: text,
  }),
  /** The same after a restart where they are free: payment links in stored texts name one of them. */
  ports: Type.Object({
    api: Type.Optional(port),
    worker: Type.Optional(port),
    sandbox: Type.Optional(port),
    stripe: Type.Optional(port),
  }),
})
export type Kept = Static<typeof Kept>

/** What a sandbox keeps for its next start besides its stores: keys that read its data, and its ports. */
export function loadKept(dir: string): Kept {
  const path = file(dir)
  if (!existsSync(path)) return { secrets: newSandboxSecrets(), ports: {} }
  const kept: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (Value.Check(Kept, kept)) return kept
  throw new Error(`${path} is not what the sandbox wrote. Remove ${dir} to start afresh.`)
}

/** Writes it, readable by this account alone, all or nothing. */
export function saveKept(dir: string, kept: Kept): void {
  const path = file(dir)
  writeFileSync(`${path}.new`, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

function file(dir: string): string {
  return join(dir, 'sandbox.json')
}
