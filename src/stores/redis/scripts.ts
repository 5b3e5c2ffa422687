/**
 * The scripts that run inside Redis, each at one moment. Errors are returned unchanged, so that their first
 * word is the kind in all versions of Redis.
 */

/**
 * KEYS: the hash. ARGV: the most fields and the most bytes that it may have. Replies with the whole hash, or
 * with nothing.
 */
export const READ = `
local count = redis.pcall('HLEN', KEYS[1])
if type(count) == 'table' then return count end
if count > tonumber(ARGV[1]) then return redis.error_reply('TOOLARGE fields') end
local flat = redis.pcall('HGETALL', KEYS[1])
local bytes = 0
for _, text in ipairs(flat) do bytes = bytes + #text end
if bytes > tonumber(ARGV[2]) then return redis.error_reply('TOOLARGE bytes') end
return flat`;

/**
 * KEYS: hashes. ARGV: the most fields and the most bytes of a hash, the most bytes of the reply, and the
 * names of the wanted fields, each with its most bytes. Replies with a list for each hash: `{0, fields}`,
 * `{1, error}`, or `{2}` if there was no room for it. There is always room for the first one.
 *
 * The reply has only the fields that a daemon acts upon, because a record's history alone is longer than all
 * of them.
 */
export const READ_MANY = `
local fieldsMax, bytesMax, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local wanted = {}
for at = 4, #ARGV, 2 do wanted[ARGV[at]] = tonumber(ARGV[at + 1]) end
local function read(key)
  local count = redis.pcall('HLEN', key)
  if type(count) == 'table' then return {1, count.err} end
  if count > fieldsMax then return {1, 'TOOLARGE fields'} end
  local flat = redis.pcall('HGETALL', key)
  if flat.err then return {1, flat.err} end
  local found, bytes = {}, 0
  for i = 1, #flat, 2 do
    local name, text = flat[i], flat[i + 1]
    bytes = bytes + #name + #text
    local colon = string.find(name, ':', 1, true)
    local textMax = wanted[colon and string.sub(name, colon + 1) or 'rollout']
    if textMax then
      found[#found + 1] = name
      found[#found + 1] = string.sub(text, 1, textMax)
      room = room - #name - math.min(#text, textMax)
    end
  end
  if bytes > bytesMax then return {1, 'TOOLARGE bytes'} end
  return {0, found}
end
local replies = {}
for i, key in ipairs(KEYS) do
  if i > 1 and room <= 0 then replies[i] = {2} else replies[i] = read(key) end
end
return replies`;

/**
 * KEYS: the hash. ARGV: version, channel, the numbers of fields seen, to set and to remove, then these
 * fields: name and value, name and value, name. Replies with whether the record was as seen and is written
 * now, and with its current fields.
 *
 * The script removes one field before it sets any, so that a missing right to remove shows first, and no
 * write is done by half. A user without the right to set is told so even if the record is not as seen. Redis
 * can say that since version 7.
 */
export const WRITE = `
local key, version, channel = KEYS[1], ARGV[1], ARGV[2]
local seenCount, setCount, removeCount = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local at = 6
local seen, sets, removes = {}, {}, {}
for _ = 1, seenCount do seen[ARGV[at]] = ARGV[at + 1]; at = at + 2 end
for _ = 1, setCount * 2 do sets[#sets + 1] = ARGV[at]; at = at + 1 end
for _ = 1, removeCount do removes[#removes + 1] = ARGV[at]; at = at + 1 end

local function record()
  local flat = redis.pcall('HGETALL', key)
  if flat.err then return flat end
  local own, prefix = {}, version .. ':'
  for i = 1, #flat, 2 do
    local name = flat[i]
    if name == version or string.sub(name, 1, #prefix) == prefix then
      own[#own + 1] = name
      own[#own + 1] = flat[i + 1]
    end
  end
  return own
end

local own = record()
if own.err then return own end
local isSame = #own == seenCount * 2
for i = 1, #own, 2 do
  if seen[own[i]] ~= own[i + 1] then isSame = false end
end
if not isSame then
  if redis.acl_check_cmd and not redis.acl_check_cmd('HSET', key, version, '0') then
    return redis.error_reply('NOPERM this user has no permissions to run HSET')
  end
  return {0, own}
end

local reply = redis.pcall('HDEL', key, removes[1])
if type(reply) == 'table' and reply.err then return reply end
if setCount > 0 then
  reply = redis.pcall('HSET', key, unpack(sets))
  if type(reply) == 'table' and reply.err then return reply end
end
reply = redis.pcall('HDEL', key, unpack(removes))
if type(reply) == 'table' and reply.err then return reply end
redis.pcall('PUBLISH', channel, version)
return {1, record()}`;
