--- Asks maxwells-daemon which version of the application serves a visitor.
--
--     setup{…}   once, in init_by_lua_block: the application, the daemon, and the locations that count
--     route()    for each request, in rewrite_by_lua_block: cookie → daemon → $maxwells_location
--     report()   after each request, in log_by_lua_block: tells the daemon what became of it
--
-- If in doubt, master. If something goes wrong here (no daemon, no answer in time, an answer that makes no
-- sense), master serves the visitor. The visitor keeps the cookie and sees no error.
--
-- Patience. A request waits for the daemon at most PATIENCE_MS in all: connecting, sending, reading, and
-- trying again. Connections are pooled, and a pooled one may be dead since the daemon was restarted. Then the
-- module asks once more on a fresh one, within the time that is left. After FAILURES_MAX failures in a row
-- the worker stops asking for PAUSE_S. Only failures of questions that began after the failure before count.
-- So a hung daemon costs a few visitors 8 ms and all others nothing, and a hiccup of some milliseconds does
-- not stop the worker. After the pause a single request probes, and the first answer ends the pause.
--
-- A connection goes back to the pool only when exactly one whole answer was read from it. Everything else
-- closes it, so a late answer never reaches the next visitor.
--
-- The module does not believe visitors. It passes the cookie on only if it has nothing but the characters of
-- a number, so the cookie cannot become a second request. It never looks at a visitor's
-- maxwellsdaemon-location header. It passes on a forced location only if allow_force is true, and only if
-- nginx serves that version.
--
-- rewrite_by_lua rather than access_by_lua: under `satisfy any`, code that ends without an error in the
-- access phase lets visitors in. set_by_lua cannot use sockets.

local reporting = require "maxwells-daemon-report"
local tcp = ngx.socket.tcp
local var = ngx.var
local now = ngx.now
local find, match = string.find, string.match

local PATIENCE_MS = 8
local FAILURES_MAX = 3
local PAUSE_S = 1

-- Below the daemon's own -idle-timeout (60s), so that nginx closes idle connections first.
local POOL_IDLE_MS = 30000
-- For each worker. If more connections are in use, nginx closes the extra ones after their answer.
local POOL_SIZE = 256

-- Every decimal spelling of a fraction is shorter.
local ASSIGNMENT_BYTES_MAX = 32
local LOCATION_BYTES_MAX = 64
-- An assignment, a location, two line feeds.
local REPLY_BYTES_MAX = ASSIGNMENT_BYTES_MAX + LOCATION_BYTES_MAX + 2
local REPLY = "^([%d.eE+-]+)\n(%w[%w._-]*)\n$"

-- Maintenance mode begins and ends this much later at most, because each worker looks at the file only this
-- often.
local MAINTENANCE_LOOK_S = 1

local COOKIE_ATTRIBUTES = "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"

local _M = {}

--- The applications that were set up, by name; the first one also as [1].
local applications = {}

local KNOWN_SETTINGS = {
  socket = "string", locations = "table", application = "string", maintenance = "string", secure = "boolean",
  allow_force = "boolean",
}

--- Sets up an application: its daemon, and the locations that this nginx serves. Call it once for each
-- application.
--
-- socket       the daemon's unix socket, such as "/run/maxwells-daemon.sock".
-- locations    the versions that this nginx can serve, such as { "canary" }; all other answers are master.
-- application  its name; without it, the daemon's first one.
-- maintenance  the file that exists in maintenance mode: <state-dir>/maintenance/<application>.
-- allow_force  true: testers may force their location by a header or a cookie maxwellsdaemon-force
--              (always, or never); the daemon has to run with -allow-force, too.
-- secure       true: the cookie is always Secure; else only over TLS. For an nginx behind a balancer that
--              does TLS.
function _M.setup(settings)
  for name, value in pairs(settings) do
    local wanted = KNOWN_SETTINGS[name]
    if wanted == nil then error("maxwells-daemon: no such setting: " .. tostring(name), 2) end
    if type(value) ~= wanted then error("maxwells-daemon: " .. name .. " has to be a " .. wanted, 2) end
  end
  if not settings.socket or settings.socket:sub(1, 1) ~= "/" then
    error('maxwells-daemon: socket has to be a path, as "/run/maxwells-daemon.sock"', 2)
  end
  local name = settings.application
  if name and not find(name, "^[%w._-]+$") then
    error("maxwells-daemon: application may have letters, digits, dots, dashes and underscores", 2)
  end
  local self = {
    socket = "unix:" .. settings.socket,
    -- Each daemon has its own pools, because nginx does not check the address of a pool's connection. It has
    -- two, so that a dead pooled connection is never replaced by another one of the pool.
    pooled = { pool = "maxwells-daemon " .. settings.socket, pool_size = POOL_SIZE },
    fresh = { pool = "maxwells-daemon fresh " .. settings.socket, pool_size = 1 },
    fields = name and (" application=" .. name) or "",
    served = { master = true },
    secure = settings.secure,
    allow_force = settings.allow_force,
    maintenance = settings.maintenance,
    reporter = reporting.new("unix:" .. settings.socket),
    -- The state of one worker: workers are forked after setup.
    failures = 0,
    retry_at = 0,
    in_maintenance = false,
    look_at = 0,
  }
  for _, location in ipairs(settings.locations or { "canary" }) do self.served[location] = true end
  applications[1] = applications[1] or self
  if name then applications[name] = self end
end

--- Reads one whole reply. Returns assignment and location, or nil and the fault.
local function read_reply(sock, deadline)
  local reply, err = sock:receiveany(REPLY_BYTES_MAX)
  -- The daemon sends a reply in one piece. The system may cut it.
  while reply do
    local assignment, location = match(reply, REPLY)
    if assignment then return assignment, location end
    local left_ms = (deadline - now()) * 1000
    if left_ms < 1 then return nil, "timeout" end
    if #reply >= REPLY_BYTES_MAX then return nil, "its answer makes no sense" end
    sock:settimeouts(left_ms, left_ms, left_ms)
    local more
    more, err = sock:receiveany(REPLY_BYTES_MAX - #reply)
    reply = more and reply .. more
  end
  return nil, err
end

--- Whether a new assignment can be the daemon's answer to a visitor who had `given`.
local function is_possible(assignment, given)
  -- The daemon repeats up to 15 decimals as they were sent. So another number is the answer to another
  -- visitor.
  if given and #given <= 17 and find(given, "^0%.%d+$") then return false end
  local number = tonumber(assignment)
  return number and number >= 0 and number < 1
end

--- Asks one question over one connection. Returns assignment and location. Or returns nil, the fault, and
-- true if a dead pooled connection was the cause.
local function exchange(self, given, line, options, patience_ms, deadline)
  local sock = tcp()
  sock:settimeouts(patience_ms, patience_ms, patience_ms)
  local ok, err = sock:connect(self.socket, options)
  if not ok then return nil, err end

  ok, err = sock:send(line)
  local assignment, location
  if ok then
    assignment, location = read_reply(sock, deadline)
    if not assignment then err = location end
    if assignment and assignment ~= given and not is_possible(assignment, given) then
      assignment, err = nil, "its answer makes no sense"
    end
  end
  if not assignment then
    local was_dead = options == self.pooled and sock:getreusedtimes() > 0 and err ~= "timeout"
    sock:close()
    return nil, err, was_dead
  end

  if options == self.pooled then sock:setkeepalive(POOL_IDLE_MS, POOL_SIZE) else sock:close() end
  return assignment, location
end

--- The visitor's forced location, as a field for the daemon. The header goes before the cookie. The module
-- does not pass on a version that this nginx does not serve: the daemon would count it, but master would
-- serve.
local function forced(self)
  local word = var.http_maxwellsdaemon_force or var["cookie_maxwellsdaemon-force"]
  if word and (word == "always" or word == "never" or self.served[word]) then
    reporting.except("forced")
    return " force=" .. word
  end
  return ""
end

--- Asks within PATIENCE_MS. Returns assignment and location, or nil and the fault.
local function ask(self, given)
  local deadline = now() + PATIENCE_MS / 1000
  local line = (given or "") .. self.fields .. (self.allow_force and forced(self) or "") .. "\n"
  local assignment, location, was_dead = exchange(self, given, line, self.pooled, PATIENCE_MS, deadline)
  if was_dead then
    local left_ms = (deadline - now()) * 1000
    if left_ms >= 1 then return exchange(self, given, line, self.fresh, left_ms, deadline) end
  end
  return assignment, location
end

--- Counts a failure of a request that began after `failures_before` others.
local function failed(self, why, failures_before)
  -- All requests that wait at the same time wait for one hiccup, which is one failure.
  if self.failures ~= failures_before then return end
  self.failures = failures_before + 1
  if self.failures < FAILURES_MAX then return end
  self.retry_at = now() + PAUSE_S
  if self.failures == FAILURES_MAX then
    ngx.log(ngx.ERR, "maxwells-daemon does not answer (", why,
      "): all visitors go to master, asking again every ", PAUSE_S, " s; look at ", self.socket)
  end
end

local function answered(self)
  if self.failures >= FAILURES_MAX then ngx.log(ngx.WARN, "maxwells-daemon answers again") end
  self.failures = 0
end

--- Tells the configuration that this response carries a new cookie, so that shared caches do not store it.
local function tell_configuration(cookie)
  var.maxwells_cookie = cookie
end

--- Gives the visitor its assignment to keep, beside the cookies that are set already.
local function give_cookie(self, assignment)
  local cookie = "maxwellsdaemon=" .. assignment .. COOKIE_ATTRIBUTES
  if self.secure or var.scheme == "https" then cookie = cookie .. "; Secure" end
  -- A configuration of an older version has no such variable, and a visitor's decision may not fail because
  -- of that.
  pcall(tell_configuration, cookie)
  local others = ngx.header["Set-Cookie"]
  if others == nil then
    ngx.header["Set-Cookie"] = cookie
  elseif type(others) == "table" then
    others[#others + 1] = cookie
    ngx.header["Set-Cookie"] = others
  else
    ngx.header["Set-Cookie"] = { others, cookie }
  end
end

--- True if the maintenance file exists. Each worker looks once in MAINTENANCE_LOOK_S.
local function is_in_maintenance(self)
  local time = now()
  if time < self.look_at then return self.in_maintenance end
  self.look_at = time + MAINTENANCE_LOOK_S
  local file, err, code = io.open(self.maintenance)
  if file then file:close() end
  -- 2: no such file. After any other error the mode stays as it was.
  if file or code == 2 then
    self.in_maintenance = file ~= nil
  else
    ngx.log(ngx.ERR, "maxwells-daemon: cannot look for the maintenance file: ", err)
  end
  return self.in_maintenance
end

--- Leaves the visitor to master, with the assignment that it has.
local function undecided(given)
  var.maxwells_assignment = given
  reporting.except("undecided")
end

--- Decides one request; returns true in maintenance mode.
local function route(application, is_tester)
  local self = applications[application or 1]
  if not self then
    ngx.log(ngx.ERR, "maxwells-daemon: no setup{application = \"", application,
      "\"}: all visitors go to master")
    return
  end
  if self.maintenance and is_in_maintenance(self) and not is_tester then return true end

  local given = var.cookie_maxwellsdaemon
  if given and (#given > ASSIGNMENT_BYTES_MAX or not find(given, "^[%d.eE+-]+$")) then given = nil end
  if not given then
    -- An internal redirect, or a subrequest: the visitor keeps the assignment that it got in the same
    -- request.
    local before = var.maxwells_assignment
    if before and before ~= "" then given = before end
  end

  if self.failures >= FAILURES_MAX then
    local time = now()
    if time < self.retry_at then
      undecided(given)
      return
    end
    -- This request probes. The others go to master until its answer is there.
    self.retry_at = time + PAUSE_S
  end

  local failures_before = self.failures
  local assignment, location = ask(self, given)
  if not assignment then
    failed(self, location, failures_before)
    undecided(given)
    return
  end
  if self.failures > 0 then answered(self) end

  var.maxwells_assignment = assignment
  if self.served[location] then var.maxwells_location = location end
  if assignment ~= given then give_cookie(self, assignment) end
end

--- Decides the visitor of this request. Sets $maxwells_location and $maxwells_assignment, and gives new
-- visitors their cookie. Ends the request with 503 in maintenance mode.
--
-- application  its name, if several are set up; without it the first one
-- is_tester    true: this visitor gets a decision in maintenance mode as well
function _M.route(application, is_tester)
  local ok, in_maintenance = pcall(route, application, is_tester)
  if not ok then
    -- A fault in this module must not become a visitor's error page.
    ngx.log(ngx.ERR, "maxwells-daemon: ", in_maintenance, ": this visitor goes to master")
    var.maxwells_location = "master"
    reporting.except("undecided")
  elseif in_maintenance then
    return ngx.exit(503)
  end
end

--- Reports what became of this request, if the daemon has decided it.
function _M.report()
  local outcome = var.maxwells_outcome
  if not outcome or outcome == "" then return end
  local self = applications[var.maxwells_application]
  if self then reporting.write(self.reporter, outcome) end
end

return _M
