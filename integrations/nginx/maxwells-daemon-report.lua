--- Tells maxwells-daemon what became of the requests that it, or its lease, has decided. Both other modules
-- use this one; the configuration calls it by `report()` of theirs, in log_by_lua_block.
--
-- After a request the worker only writes down a line. A timer sends the lines to the daemon in one piece, at
-- most every SEND_S, over the daemon's socket. No visitor waits for that. If the daemon does not take the
-- lines in time, the worker forgets them, and logs their number at most once in TELL_S. So a daemon that is
-- away fills neither the memory nor the log.
--
-- A request has an outcome if the daemon has decided it and a version was asked. nginx's own answers say
-- nothing about a version: maintenance, a redirect, a visitor who is denied.

local tcp = ngx.socket.tcp
local var = ngx.var
local concat, find = table.concat, string.find

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
-- name    the application's name, as in the store
-- socket  the daemon's, as "unix:/run/maxwells-daemon.sock"
-- share   of the assignments whose good outcomes it reports, such as 0.1; it always reports bad ones
function _M.new(name, socket, share)
  if share and not (share > 0 and share <= 1) then
    error("maxwells-daemon: report_share has to be above 0, and at most 1", 3)
  end
  return {
    head = "?outcome " .. name .. " ",
    socket = socket,
    share = share or 1,
    tail = share and share < 1 and (" share=" .. share .. "\n") or "\n",
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
  local ok, is_taken, err = pcall(send, self, concat(lines, "", 1, size), size)
  if not ok then is_taken, err = false, is_taken end
  if not is_taken then forget(self, size, err) end
end

--- Whether the share takes this assignment, such as "0.123456789012345": by the decimals from the sixth on.
-- All proxies use this rule, so all of them take the same visitors.
local function takes(share, assignment)
  local decimals = tonumber("0." .. assignment:sub(8, 12))
  return not decimals or decimals < share
end

--- The wait for the version's answer, if nginx has asked several servers: `0.003, 0.004`.
local function quoted(text)
  return find(text, " ", 1, true) and '"' .. text .. '"' or text
end

--- Whether nginx has asked a second server, in its list of status codes such as `502, 200`.
local function has_second_try(statuses)
  return find(statuses, ",", 1, true) or find(statuses, "5%d%d :")
end

--- Writes down the outcome of this request, in the log phase.
local function write(self)
  local assignment = var.maxwells_assignment
  local statuses = var.upstream_status
  if not statuses or not assignment or assignment == "" then return end
  local exception = var.maxwells_exception
  if exception == "undecided" then return end
  -- One code is three bytes, and `-` is none: the visitor left before the answer.
  local is_retried = #statuses > 3 and has_second_try(statuses)
  if self.share < 1 and ngx.status < 500 and not is_retried and not takes(self.share, assignment) then
    return
  end
  if self.size == LINES_MAX then return forget(self, 1, "there are too many at once") end

  local line = self.head .. var.maxwells_location .. " " .. assignment .. " " .. ngx.status .. " "
    .. var.request_time .. (var.maxwells_cookie == "" and " 1 source=" or " 0 source=") .. var.remote_addr
    .. " first=" .. quoted(var.upstream_header_time)
  if is_retried then line = line .. " retried=1" end
  if exception == "forced" then line = line .. " forced=1" end
  self.size = self.size + 1
  self.lines[self.size] = line .. self.tail
  if self.is_due then return end
  self.is_due = ngx.timer.at(SEND_S, flush, self) and true
end

--- The same. It never throws.
function _M.write(self)
  local ok, err = pcall(write, self)
  if not ok then ngx.log(ngx.ERR, "maxwells-daemon: ", err, ": the outcome of this request is not reported") end
end

return _M
