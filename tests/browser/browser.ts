import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Starts the machine's own Chromium, which talks to nobody by itself. @throws {Error} when there is none */
export async function startBrowser(): Promise<Browser> {
  const executablePath = PLACES.find(existsSync)
  if (executablePath === undefined) throw new Error(`install Chromium: none of ${PLACES.join(', ')} is there`)
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']
  return chromium.launch({ executablePath, args: [...args, '--disable-component-update', '--disable-sync'] })
}
