import { globalAgent, setGlobalProxyFromEnv } from 'node:http'

/**
 * Has this process call the sandbox's own servers directly, where Node is told to ask a proxy (`NODE_USE_ENV_PROXY=1`): none
 * reaches this machine. Where it is not, the proxies of the shell are left alone: what is written there need not even be a URL.
 */
export function callThisMachineDirectly(): void {
  const isTold = Reflect.get(Object(Reflect.get(globalAgent, 'options')), 'proxyEnv') !== undefined
  if (!isTold) return
  setGlobalProxyFromEnv({ ...process.env, no_proxy: 'localhost,127.0.0.1' })
}
