--- Decides by itself which version of the application serves a visitor, under a lease from maxwells-daemon.
--
--     setup{…}     once, in init_by_lua_block: the application, the daemon, and the locations that count
--     hold()       once, in init_worker_by_lua_block: begins to ask for leases
--     location()   for each request, in set_by_lua_block: cookie → $maxwells_location
--     report()     after each request, in log_by_lua_block: tells the daemon what became of it
--
-- If in doubt, master. If something goes wrong here (no daemon, no answer in time, an answer that makes no
-- sense), the lease decides until it ends. Then master serves visitors. They keep their cookies, and see no
-- error.
--
-- The lease. Each worker asks once in RENEW_S, from a timer. It uses the answer for LEASE_MS at most, counted
-- from the question. So two renewals may fail before a visitor notices. An answer that is late, cut, doubled
-- or senseless changes nothing. The daemon's `0` ends the lease at once, and the worker asks again at the
-- next tick. A shared dictionary keeps leases, too, and the workers of a reload begin with it. Time is
-- nginx's monotonic clock: a change of the system's clock neither ends a lease nor makes it longer.
--
-- A request does no I/O: one variable is read, one number is compared with each arc, and one count goes up.
--
-- The worker reports counts after each renewal, on the same connection, one location at a time. It subtracts
-- a count when the daemon confirms it. So no count is lost while the daemon is away, or when a worker ends in
-- peace. If the daemon stops between its two answers, or confirms too late, it gets the counts of one report
-- twice. The worker sends no counts to a daemon that hangs, because the daemon would count them all when it
-- wakes up.
--
-- This is a separate module, because it shares only the lines about cookies and maintenance with the module
-- that asks. An operator who copies one file should not have to read about the other way. set_by_lua is the
-- cheapest place for Lua. It can neither set headers nor end a request, so the configuration does both.

local ffi = require "ffi"
local reporting = require "maxwells-daemon-report"
local C = ffi.C
local tcp = ngx.socket.tcp
local var = ngx.var
local byte, find, match, gmatch = string.byte, string.find, string.match, string.gmatch
local floor, format, min, sub = math.floor, string.format, math.min, string.sub

ffi.cdef "extern volatile uintptr_t ngx_current_msec;"

-- The same as the daemon's for HAProxy's map.
local LEASE_MS = 3000
local RENEW_S = 1
-- The worker logs the end of a lease, and asks again after a `0`, this much later at most.
local TICK_S = 0.1
-- For a whole conversation. No visitor waits for it.
local PATIENCE_MS = 500

local ANSWER_BYTES_MAX = 16384
local ARCS_MAX = 64
local ANSWER = "^([^\n]*)\n([^\n]*)\n$"
local ARC = "^(%w[%w._-]*)=([%d.eE+-]+)@([%d.eE+-]+)$"
local DURATION = "^%d%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?$"
-- The most that the daemon takes in one report.
local SERVED_MAX = 1e9

-- Every decimal spelling of a fraction is shorter.
local ASSIGNMENT_BYTES_MAX = 32
local LOCATION_BYTES_MAX = 64
local ZERO, NINE, DOT, MINUS = byte("09.-", 1, 4)
-- The sum that `digits_from` makes of five 0s.
local FIVE_ZEROS = ZERO * 11111

local COOKIE_ATTRIBUTES = "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"

local MASTER = "master"
local MAINTENANCE = "maintenance"

local _M = {}

--- The applications that were set up, in order, and by name. Workers are forked after setup; each keeps its
-- own state in them.
local applications = {}
local by_name = {}

local KNOWN_SETTINGS = {
  socket = "string", locations = "table", application = "string", maintenance = "string", secure = "boolean",
  allow_force = "boolean",
}

--- Under it, no visitor gets a decision.
local NO_LEASE = { ends_at = 0, size = 0 }

--- Milliseconds on a monotonic clock, as of this turn of nginx's event loop.
local function clock_ms()
  -- Not a tail call: LuaJIT does not compile that one.
  local time = tonumber(C.ngx_current_msec)
  return time
end

--- Sets up an application: its daemon, and the locations that this nginx serves. Call it once for each
-- application.
--
-- socket       the daemon's unix socket, such as "/run/maxwells-daemon.sock".
-- locations    the versions that this nginx can serve, such as { "canary" }; other visitors go to master.
-- application  its name; without it, the daemon's first one.
-- maintenance  the file that exists in maintenance mode: <state-dir>/maintenance/<application>.
-- allow_force  true: testers may force their location by a header or a cookie maxwellsdaemon-force
--              (always, or never).
-- secure       true: the cookie is always Secure; else only over TLS. For an nginx behind a balancer that
--              does TLS.
function _M.setup(settings)
  for name, value in pairs(settings) do
    local wanted = KNOWN_SETTINGS[name]
    if wanted == nil then error("maxwells-daemon: no such setting: " .. tostring(name), 2) end
    if type(value) ~= wanted then error("maxwells-daemon: " .. name .. " has to be a " .. wanted, 2) end
  end
  if not settings.socket or sub(settings.socket, 1, 1) ~= "/" then
    error('maxwells-daemon: socket has to be a path, as "/run/maxwells-daemon.sock"', 2)
  end
  local name = settings.application
  if name and not find(name, "^[%w._-]+$") then
    error("maxwells-daemon: application may have letters, digits, dots, dashes and underscores", 2)
  end
  if not ngx.shared.maxwells_daemon then
    error("maxwells-daemon: the configuration needs lua_shared_dict maxwells_daemon 1m", 2)
  end
  local self = {
    name = name or "",
    socket = "unix:" .. settings.socket,
    fields = name and (" application=" .. name) or "",
    served = { master = true },
    secure = settings.secure,
    allow_force = settings.allow_force,
    maintenance = settings.maintenance,
    reporter = reporting.new("unix:" .. settings.socket),
    lease = NO_LEASE,
    -- Visitors by location since the last report. failure: visitors that went to master for lack of a lease.
    counts = { master = 0, failure = 0 },
    in_maintenance = false,
    ask_at = 0,
    is_asking = false,
    is_lost = false,
    trouble = nil,
  }
  for _, location in ipairs(settings.locations or { "canary" }) do
    if location == MAINTENANCE then error("maxwells-daemon: maintenance is no location", 2) end
    self.served[location] = true
    self.counts[location] = 0
  end
  applications[#applications + 1] = self
  if name then by_name[name] = self end
end

--- Reads the arcs of a lease, in their order; nil if they make no sense.
local function read_lease(self, text, ends_at)
  local lease = { ends_at = ends_at, size = 0, offsets = {}, rollouts = {}, locations = {} }
  local arcs, length = 0, 0
  for word in gmatch(text, "[^ ]+") do
    local version, rollout, offset = match(word, ARC)
    rollout, offset = tonumber(rollout), tonumber(offset)
    if not rollout or not offset or arcs == ARCS_MAX then return nil end
    if not (rollout >= 0 and rollout <= 1 and offset >= 0 and offset < 1) then return nil end
    arcs, length = arcs + 1, length + #word + 1
    lease.offsets[arcs], lease.rollouts[arcs] = offset, rollout
    lease.locations[arcs] = self.served[version] and version or MASTER
  end
  -- One space between two of them, and none elsewhere.
  if #text ~= (arcs > 0 and length - 1 or 0) then return nil end
  lease.size = arcs
  return lease
end

--- Asks one question. Returns both lines of the answer, or nil and the fault.
local function exchange(sock, question, deadline)
  local left_ms = deadline - clock_ms()
  if left_ms < 1 then return nil, "timeout" end
  sock:settimeouts(left_ms, left_ms, left_ms)
  local ok, err = sock:send(question)
  if not ok then return nil, err end
  local answer = ""
  repeat
    left_ms = deadline - clock_ms()
    if left_ms < 1 then return nil, "timeout" end
    sock:settimeouts(left_ms, left_ms, left_ms)
    local more
    more, err = sock:receiveany(ANSWER_BYTES_MAX)
    if not more then return nil, err end
    answer = answer .. more
    local first, second = match(answer, ANSWER)
    if first then return first, second end
  until #answer > ANSWER_BYTES_MAX or find(answer, "\n[^\n]*\n")
  return nil, "its answer makes no sense"
end

--- Renews the lease over a fresh connection. Returns true if the answer made sense, or false and the fault.
local function renew(self, sock, asked_at)
  local duration, arcs = exchange(sock, "?lease" .. self.fields .. "\n", asked_at + PATIENCE_MS)
  if not duration then return false, arcs end
  local duration_ms = find(duration, DURATION) and tonumber(duration)
  local lease = duration_ms and read_lease(self, arcs, asked_at + min(duration_ms, LEASE_MS))
  if not lease or (duration_ms == 0 and lease.size > 0) then return false, "its answer makes no sense" end
  if duration_ms == 0 then lease = NO_LEASE end
  self.lease = lease
  -- The word `lease` comes first, because an application without a name would be an empty key, which nginx
  -- refuses.
  ngx.shared.maxwells_daemon:set("lease " .. self.name, lease.ends_at .. " " .. arcs)
  return true
end

--- Reports the decisions since the last report. Counts that the daemon does not confirm stay for the next
-- one.
local function report(self, sock, deadline)
  for location, count in pairs(self.counts) do
    count = min(count, SERVED_MAX)
    if count > 0 then
      local sum, rest = exchange(sock, "?served" .. self.fields .. " " .. location .. "=" .. count .. "\n", deadline)
      local is_taken = sum == tostring(count) and rest == ""
      -- The daemon refuses it as invalid. If it has read its store, then the version is gone, and so is its
      -- count.
      local is_refused = rest == MASTER
      if not is_taken and not is_refused then return end
      if is_taken or self.lease ~= NO_LEASE then self.counts[location] = self.counts[location] - count end
    end
  end
end

--- One conversation with the daemon: a lease, and if it answers, the counts.
local function converse(self)
  local asked_at = clock_ms()
  local sock = tcp()
  sock:settimeouts(PATIENCE_MS, PATIENCE_MS, PATIENCE_MS)
  local ok, err = sock:connect(self.socket)
  if not ok then
    self.trouble = err
    return
  end
  ok, err = renew(self, sock, asked_at)
  self.trouble = err
  if ok then report(self, sock, asked_at + PATIENCE_MS) end
  sock:close()
end

--- Looks for the maintenance file.
local function look_for_maintenance(self)
  if not self.maintenance then return end
  local file, err, code = io.open(self.maintenance)
  if file then file:close() end
  -- 2: no such file. After any other error the mode stays as it was.
  if file or code == 2 then
    self.in_maintenance = file ~= nil
  else
    ngx.log(ngx.ERR, "maxwells-daemon: cannot look for the maintenance file: ", err)
  end
end

--- Logs once that the lease has ended, and once that the daemon gives leases again.
local function tell(self)
  local is_lost = clock_ms() >= self.lease.ends_at
  if is_lost == self.is_lost then return end
  self.is_lost = is_lost
  if is_lost then
    ngx.log(ngx.ERR, "maxwells-daemon gives no lease (", self.trouble or "it has nothing fresh to tell",
      "): all visitors go to master, asking again every ", RENEW_S, " s; look at ", self.socket)
  else
    ngx.log(ngx.WARN, "maxwells-daemon gives leases again")
  end
end

--- Runs for each application at each tick of the timer. The last tick of a worker comes early, to report its
-- counts.
local function tick(is_last, self)
  local time = clock_ms()
  if self.is_asking or not (is_last or time >= self.ask_at) then return end
  self.is_asking = true
  self.ask_at = time + RENEW_S * 1000
  look_for_maintenance(self)
  local ok, err = pcall(converse, self)
  self.is_asking = false
  if not ok then ngx.log(ngx.ERR, "maxwells-daemon: ", err) end
  -- A daemon that has just been started will have read its store in a moment.
  if self.lease == NO_LEASE and not self.trouble then self.ask_at = 0 end
end

--- Begins to hold leases in this worker.
function _M.hold()
  for _, self in ipairs(applications) do
    look_for_maintenance(self)
    local ends_at, arcs = match(ngx.shared.maxwells_daemon:get("lease " .. self.name) or "", "^(%d+) (.*)$")
    if ends_at then self.lease = read_lease(self, arcs, tonumber(ends_at)) or NO_LEASE end
    local function tick_and_tell(is_last)
      tick(is_last, self)
      if not is_last and not self.is_asking then tell(self) end
    end
    assert(ngx.timer.at(0, tick_and_tell))
    assert(ngx.timer.every(TICK_S, tick_and_tell))
  end
end

local function is_digit(char)
  return char >= ZERO and char <= NINE
end

--- Five bytes of a text as the digits of a number, with zeros after its end. nil if one is not a digit. This
-- is not a loop, because LuaJIT would compile a loop apart from the code around it.
local function digits_from(text, first)
  local a, b, c, d, e = byte(text, first, first + 4)
  a, b, c, d, e = a or ZERO, b or ZERO, c or ZERO, d or ZERO, e or ZERO
  if not (is_digit(a) and is_digit(b) and is_digit(c) and is_digit(d) and is_digit(e)) then return nil end
  return (((a * 10 + b) * 10 + c) * 10 + d) * 10 + e - FIVE_ZEROS
end

--- The number in `0.` and up to fifteen digits, the usual form of a visitor's assignment. Right to the last
-- bit, like the daemon's parseAssignment: the digits and the power of ten are exact, and one division rounds
-- once. tonumber costs more than all the rest of a decision.
local function parse_short(text)
  local length = #text
  if length < 3 or length > 17 then return nil end
  local zero, dot = byte(text, 1, 2)
  if zero ~= ZERO or dot ~= DOT then return nil end
  local high, middle, low = digits_from(text, 3), digits_from(text, 8), digits_from(text, 13)
  return high and middle and low and ((high * 1e5 + middle) * 1e5 + low) / 1e15
end

--- A cookie's number in [0, 1), read like the daemon reads it. nil if the cookie has no such number.
local function parse(text)
  local short = parse_short(text)
  if short then return short end
  local number = #text <= ASSIGNMENT_BYTES_MAX and tonumber(text)
  if not number or not (number >= 0 and number < 1) then return nil end
  if byte(text, 1) ~= MINUS and find(text, "^[%d.eE+-]+$") then return number end
  return nil
end

--- A fresh number of fifteen decimals, and its spelling. $request_id is sixteen random bytes, from OpenSSL if
-- nginx has it, and never the same in two workers. Unlike math.random, it cannot be seeded by mistake.
local function draw()
  local random = tonumber(sub(var.request_id, 1, 13), 16) / 0x10000000000000
  local text = format("0.%015d", floor(random * 1e15))
  return tonumber(text), text
end

--- The location that the visitor forces. nil if it forces none, or one that does not exist. The header goes
-- before the cookie.
local function forced(self)
  local word = var.http_maxwellsdaemon_force or var["cookie_maxwellsdaemon-force"]
  if not word or #word > LOCATION_BYTES_MAX then return nil end
  if self.served[word] then return word end
  if word == "never" then return MASTER end
  if word == "always" and self.served.canary then return "canary" end
  return nil
end

--- Decides one request.
local function decide(self, is_tester)
  if self.in_maintenance and not is_tester then return MAINTENANCE end
  -- The cookie. The configuration has copied it into this variable, because reading it there costs less than
  -- reading the header.
  local given = var.maxwells_assignment
  local assignment = given and given ~= "" and parse(given)
  local lease, counts = self.lease, self.counts

  if clock_ms() >= lease.ends_at then
    if not assignment then var.maxwells_assignment = "" end
    reporting.except("undecided")
    counts.failure = counts.failure + 1
    return MASTER
  end

  if not assignment then
    local text
    assignment, text = draw()
    var.maxwells_assignment = text
    local secure = (self.secure or var.scheme == "https") and "; Secure" or ""
    var.maxwells_cookie = "maxwellsdaemon=" .. text .. COOKIE_ATTRIBUTES .. secure
  end

  local location = self.allow_force and forced(self)
  if location then
    reporting.except("forced")
  else
    location = MASTER
    local offsets, rollouts = lease.offsets, lease.rollouts
    for i = 1, lease.size do
      -- The same as `covers` in the daemon's circle.ts, bit for bit.
      local distance = assignment - offsets[i]
      if distance < 0 then distance = distance + 1 end
      if distance < rollouts[i] or rollouts[i] == 1 then
        location = lease.locations[i]
        break
      end
    end
  end
  counts[location] = counts[location] + 1
  return location
end

--- The location of this request's visitor, or `maintenance`. Writes $maxwells_assignment and $maxwells_cookie
-- for new visitors. The configuration has to set both variables before.
--
-- application  its name, if several are set up; without it the first one
-- is_tester    true: this visitor gets a decision in maintenance mode as well, and never `maintenance`
function _M.location(application, is_tester)
  local self = application and by_name[application] or (application == nil and applications[1])
  if not self then
    ngx.log(ngx.ERR, "maxwells-daemon: no setup{application = \"", application,
      "\"}: all visitors go to master")
    return MASTER
  end
  local ok, location = pcall(decide, self, is_tester)
  if ok then return location end
  -- A fault in this module must not become a visitor's error page.
  ngx.log(ngx.ERR, "maxwells-daemon: ", location, ": this visitor goes to master")
  reporting.except("undecided")
  return MASTER
end

--- Reports what became of this request, if a lease has decided it.
function _M.report()
  local outcome = var.maxwells_outcome
  if not outcome or outcome == "" then return end
  local self = #applications == 1 and applications[1] or by_name[var.maxwells_application]
  if self then reporting.write(self.reporter, outcome) end
end

return _M
