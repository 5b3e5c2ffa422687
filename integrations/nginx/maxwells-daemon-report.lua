--- Tells maxwells-daemon what became of the requests that it, or its lease, has decided. Both other modules
-- use this one; the configuration calls it by `report()` of theirs, in log_by_lua_block.
--
-- nginx itself makes the line of a request, in the maps of the configuration. After a request the worker only
-- keeps the line. A timer sends the lines to the daemon in one piece, at most every SEND_S, over the daemon's
-- socket. No visitor waits for that. If the daemon does not take the lines in time, the worker forgets them,
-- and logs their number at most once in TELL_S. So a daemon that is away fills neither the memory nor the
-- log.

local tcp = ngx.socket.tcp
local var = ngx.var
local concat = table.concat

local SEND_S = 0.2
-- For a whole conversation.
local PATIENCE_MS = 500
-- Further lines are forgotten until the next piece is sent.
local LINES_MAX = 16384
-- The daemon answers a line with two lines. It does so in three bytes.
local ANSWER_BYTES_MAX = 4 * LINES_MAX
local TELL_S = 60

local _M = {}

--- A reporter for one application.
--
-- socket  the daemon's, as "unix:/run/maxwells-daemon.sock"
function _M.new(socket)
  return {
    socket = socket,
    -- The state of one worker: workers are forked after setup.
    lines = {},
    size = 0,
    is_due = false,
    forgotten = 0,
    tell_at = 0,
  }
end

local function set_exception(exception)
  var.maxwells_exception = exception
end

--- Marks this request: `undecided` has no outcome, and `forced` counts for no version. Most requests need no
-- mark.
function _M.except(exception)
  -- A configuration of an older version has no such variable, and reports nothing.
  pcall(set_exception, exception)
end

--- Counts outcomes that the daemon will never hear of, and logs their number now and then.
local function forget(self, count, why)
  self.forgotten = self.forgotten + count
  local time = ngx.now()
  if time < self.tell_at then return end
  self.tell_at = time + TELL_S
  ngx.log(ngx.WARN, "maxwells-daemon does not take reports (", why, "): it misses the outcomes of ",
    self.forgotten, " requests, and judges a canary without them; look at ", self.socket)
  self.forgotten = 0
end

--- Sends a piece of this many lines. Returns true if the daemon has answered them all, or false and the
-- fault.
local function send(self, piece, lines)
  local deadline = ngx.now() + PATIENCE_MS / 1000
  local sock = tcp()
  sock:settimeouts(PATIENCE_MS, PATIENCE_MS, PATIENCE_MS)
  local ok, err = sock:connect(self.socket)
  if not ok then return false, err end
  ok, err = sock:send(piece)
  local left = 2 * lines
  while ok and left > 0 do
    local answer
    answer, err = sock:receiveany(ANSWER_BYTES_MAX)
    if answer then
      local _, ends = answer:gsub("\n", "")
      left = left - ends
    end
    ok = answer and ngx.now() < deadline
  end
  sock:close()
  if left > 0 then return false, err or "timeout" end
  return true
end

--- Runs from the timer.
local function flush(_, self)
  local lines, size = self.lines, self.size
  self.lines, self.size, self.is_due = {}, 0, false
  local ok, is_taken, err = pcall(send, self, concat(lines, "\n", 1, size) .. "\n", size)
  if not ok then is_taken, err = false, is_taken end
  if not is_taken then forget(self, size, err) end
end

--- Keeps the line of an outcome for the next piece, in the log phase.
function _M.write(self, line)
  if self.size == LINES_MAX then return forget(self, 1, "there are too many at once") end
  self.size = self.size + 1
  self.lines[self.size] = line
  if not self.is_due then self.is_due = ngx.timer.at(SEND_S, flush, self) and true end
end

return _M
