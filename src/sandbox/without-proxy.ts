import { setGlobalProxyFromEnv } from 'node:http'

/**
 * Has this process call the sandbox's own servers directly, where Node is told to ask a proxy (`NODE_USE_ENV_PROXY=1`): none
 * reaches this machine.
 */
export function callThisMachineDirectly(): void {
  setGlobalProxyFromEnv({ ...process.env, no_proxy: 'localhost,127.0.0.1' })
}
