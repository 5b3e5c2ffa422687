/** The scripts of the evidence that run inside Redis, each at one moment, as in `scripts.ts`. */

/**
 * KEYS: the log. ARGV: the most bytes of the log, the least memory that must be left, the milliseconds for
 * which it is kept, the nonce of the entry, then the batches.
 *
 * If Redis refuses a write for want of memory, it would refuse the end of a release too. So the script stops
 * a while before that. With a policy that evicts keys, Redis refuses no write.
 */
export const EVIDENCE_APPEND = `
local key, bytesMax, roomMin, keptMs, nonce = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local info = redis.pcall('INFO', 'memory')
if type(info) == 'table' then return info end
local used, most = string.match(info, '\\nused_memory:(%d+)'), string.match(info, '\\nmaxmemory:(%d+)')
local isBounded = most and tonumber(most) > 0 and string.find(info, 'maxmemory_policy:noeviction', 1, true)
if isBounded and tonumber(used) + roomMin > tonumber(most) then return redis.error_reply('FULL memory') end

local bytes = redis.pcall('MEMORY', 'USAGE', key)
if type(bytes) == 'table' and bytes.err then return bytes end
local limit = {}
if bytes and bytes > bytesMax then
  local count = redis.pcall('XLEN', key)
  if type(count) == 'table' then return count end
  limit = {'MAXLEN', '~', math.floor(count * 3 / 4)}
end

local entry = {'nonce', nonce}
for at = 5, #ARGV do
  entry[#entry + 1] = 'batch'
  entry[#entry + 1] = ARGV[at]
end
local add = {'XADD', key}
for _, word in ipairs(limit) do add[#add + 1] = word end
add[#add + 1] = '*'
for _, word in ipairs(entry) do add[#add + 1] = word end
local id = redis.pcall(unpack(add))
if type(id) == 'table' and id.err then
  if string.find(id.err, 'OOM', 1, true) then return redis.error_reply('FULL memory') end
  return id
end
return redis.pcall('PEXPIRE', key, keptMs)`;

/** One step reads this many entries. An entry has 64 KiB at most. */
const PAGE = 8;

/**
 * KEYS: the log. ARGV: the id and the nonce of the last entry that the reader has, and the bytes after which
 * the answer ends. Replies with the id and the nonce of the last entry of the answer, 1 if there are more
 * entries, and the batches.
 */
export const EVIDENCE_READ = `
local key, id, nonce, room = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local function nonceOf(fields)
  local text = fields[1] == 'nonce' and fields[2] or ''
  return #text <= 16 and string.match(text, '^[0-9a-f]+$') or ''
end
local from = '-'
if id ~= '' then
  local found = redis.pcall('XRANGE', key, id, id)
  if found.err then return found end
  if #found == 1 and nonceOf(found[1][2]) == nonce then from = id else id, nonce = '', '' end
end
local batches = {}
while true do
  local found = redis.pcall('XRANGE', key, from, '+', 'COUNT', ${PAGE})
  if found.err then return found end
  for _, entry in ipairs(found) do
    if entry[1] ~= id then
      if room <= 0 then return {id, nonce, 1, batches} end
      local fields = entry[2]
      for at = 1, #fields, 2 do
        room = room - #fields[at] - #fields[at + 1]
        if fields[at] == 'batch' then batches[#batches + 1] = fields[at + 1] end
      end
      id, nonce = entry[1], nonceOf(fields)
    end
  end
  if #found < ${PAGE} then return {id, nonce, 0, batches} end
  from = id
end`;
