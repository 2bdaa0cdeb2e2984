import { describe, expect, test } from 'vitest'
import { parseRedisUrl } from '../../src/redis-url.ts'

const NOBODY = { username: undefined, password: undefined }

describe('a Redis URL', () => {
  test.each([
    ['redis://redis', { host: 'redis', port: 6379 }, 0],
    ['redis://redis:6380/', { host: 'redis', port: 6380 }, 0],
    ['redis://127.0.0.1:6380/3', { host: '127.0.0.1', port: 6380 }, 3],
    ['redis://redis?db=3', { host: 'redis', port: 6379 }, 3],
    ['redis://[::1]:6380', { host: '::1', port: 6380 }, 0],
  ])('of one server: %s', (url, node, db) => {
    expect(parseRedisUrl(url)).toEqual({ topology: 'single', tls: false, family: 0, ...NOBODY, node, db })
  })

  test('of one server says which IP version to connect by', () => {
    expect(parseRedisUrl('redis://redis?family=6').family).toBe(6)
  })

  test('of a cluster names some of its nodes', () => {
    expect(parseRedisUrl('redis+cluster://a:7000,b.internal,[2001:db8::1]:7002')).toEqual({
      topology: 'cluster',
      tls: false,
      family: 0,
      ...NOBODY,
      nodes: [
        { host: 'a', port: 7000 },
        { host: 'b.internal', port: 6379 },
        { host: '2001:db8::1', port: 7002 },
      ],
    })
  })

  test('of Sentinels names the master, and how to sign in to both', () => {
    const url = 'redis+sentinel://app:one@a,b:26380/leads/2?sentinel_username=guard&sentinel_password=t%77o'
    expect(parseRedisUrl(url)).toEqual({
      topology: 'sentinel',
      tls: false,
      family: 0,
      username: 'app',
      password: 'one',
      nodes: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 26_380 },
      ],
      master: 'leads',
      db: 2,
      sentinelUsername: 'guard',
      sentinelPassword: 'two',
    })
    expect(parseRedisUrl('redis+sentinel://a/leads?db=2')).toMatchObject({ master: 'leads', db: 2 })
  })

  test.each(['rediss://a', 'REDISS://a', 'rediss+cluster://a,b', 'rediss+sentinel://a/leads'])('of TLS: %s', (url) => {
    expect(parseRedisUrl(url).tls).toBe(true)
  })

  test.each([
    ['redis://:pa%2Fss@a', undefined, 'pa/ss'],
    ['redis://app:p:w@a', 'app', 'p:w'],
    ['redis+cluster://app:p@w@a,b', 'app', 'p@w'],
    ['redis+sentinel://:p@a/leads', undefined, 'p'],
  ])('signs in: %s', (url, username, password) => {
    expect(parseRedisUrl(url)).toMatchObject({ username, password })
  })
})

describe('a Redis URL that cannot be used says why:', () => {
  test.each([
    ['hidden', 'it begins with none of redis://, redis+cluster:// and redis+sentinel://'],
    ['http://hidden', 'it begins with none of'],
    ['redis+replica://hidden', 'it begins with none of'],
    ['redis://:hid#den@a', 'special characters in a password are percent-encoded'],
    ['redis://', 'a host is missing'],
    ['redis+cluster://a,,hidden', 'a host is missing'],
    ['redis+cluster://a,hidden:x', 'a host is missing or is not host:port'],
    ['redis://hidden:0', 'a port is not a number from 1 to 65535'],
    ['redis://hidden:65536', 'a port is not a number from 1 to 65535'],
    ['redis://[1:2:3]:6379', 'a host in brackets is not an IPv6 address'],
    ['redis://hidden,b', 'several hosts take one of redis+cluster:// and redis+sentinel://'],
    ['redis://a/hidden', 'the database is not a number'],
    ['redis://a/0/hidden', 'there is too much after the host'],
    ['redis://a/1?db=2', 'the database is given twice'],
    ['redis://a?keyPrefix=hidden', 'after the ? may stand db, family, and nothing else'],
    ['redis://a?family=hidden', 'family is none of 0, 4 and 6'],
    ['redis+cluster://a/hidden', 'a cluster has no databases'],
    ['redis+cluster://a?db=1', 'after the ? may stand family, and nothing else'],
    ['redis+sentinel://a', 'after the Sentinels belongs /<name of the master>'],
    ['redis+sentinel://a/leads/0/hidden', 'there is too much after the hosts'],
    ['redis://hidden@a', 'a user name needs a password'],
    ['redis://:hidden%zz@a', 'a % is not followed by two hexadecimal digits'],
  ])('%s', (url, problem) => {
    expect(() => parseRedisUrl(url)).toThrow(RangeError)
    expect(() => parseRedisUrl(url)).toThrow(problem)
    expect(() => parseRedisUrl(url)).not.toThrow('hidden')
  })
})
