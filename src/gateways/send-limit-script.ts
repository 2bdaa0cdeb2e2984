/**
 * One step of a call that wants a slot, atomic over all processes and by Redis' clock.
 *
 * KEYS: next (µs of the first slot nobody has), queue (waiters; score = rank of the class, then order of arrival),
 * seen (waiters; score = ms when last seen), arrivals (counter).
 * ARGV: waiter, rank of its class, its score or 0 when it has none yet, µs between slots, µs a slot may be taken ahead,
 * ms after which a waiter not seen is dead, ms the keys live.
 * Answer: {1, µs until the slot} when a slot was taken, else {0, µs until it is worth asking again, score}.
 */
export const TAKE_SLOT = `
local next_key, queue, seen, arrivals = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local waiter, rank, score = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local interval, ahead = tonumber(ARGV[4]), tonumber(ARGV[5])
local fresh_ms, keep_ms = tonumber(ARGV[6]), tonumber(ARGV[7])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now_ms = math.floor(now / 1000)

-- A waiter seen later than now comes from before the clock was set back: it is as unknown as one not seen for long.
local function forget(list)
  for _, dead in ipairs(list) do
    redis.call('ZREM', queue, dead)
    redis.call('ZREM', seen, dead)
  end
end
forget(redis.call('ZRANGEBYSCORE', seen, '-inf', now_ms - fresh_ms))
forget(redis.call('ZRANGEBYSCORE', seen, now_ms + 1, '+inf'))

if score == 0 then
  score = rank * 1099511627776 + redis.call('INCR', arrivals)
  redis.call('PEXPIRE', arrivals, keep_ms)
end
redis.call('ZADD', queue, score, waiter)
redis.call('ZADD', seen, now_ms, waiter)
redis.call('PEXPIRE', queue, keep_ms)
redis.call('PEXPIRE', seen, keep_ms)

local function keep(slot)
  redis.call('SET', next_key, string.format('%.0f', slot), 'PX', keep_ms)
end
local slot = tonumber(redis.call('GET', next_key) or '0')
-- Slots are never taken further ahead than this, so a later one means that the clock was set back.
if slot > now + ahead + interval then
  slot = now + interval
  keep(slot)
end
if slot < now then slot = now end

local before = redis.call('ZRANK', queue, waiter)
if before == 0 and slot - now <= ahead then
  keep(slot + interval)
  redis.call('ZREM', queue, waiter)
  redis.call('ZREM', seen, waiter)
  return {1, slot - now}
end
return {0, math.max(slot + before * interval - now - ahead, 0), score}
`

/** Gives a place in the queue up. KEYS: queue, seen. ARGV: waiter. */
export const LEAVE_QUEUE = `
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
`
