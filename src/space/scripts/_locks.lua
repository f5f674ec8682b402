-- Write locks (RFC 4918 §6, §7): l maps a token to
--   parent node 5, entry id 5, expires 6, timeout 4, flags 1 (shared | 2 depth infinity), account (length 1), folded name
--   (length 2), owner XML. A space has few; each is found from its entry's parent upwards, in at most 64 steps.
local SHARED, INFINITE = 1, 2
local function unpackLock(raw)
  local parent, id, expires, timeout, flags, account, fold, at = sunpack('>I5I5I6I4BBc0I2c0', raw)
  return { parent = parent, id = id, expires = expires, timeout = timeout, shared = band(flags, SHARED) ~= 0,
    infinite = band(flags, INFINITE) ~= 0, account = account, fold = fold, owner = ssub(raw, at) }
end
local function packLock(l)
  return spack('>I5I5I6I4BBc0I2c0', l.parent, l.id, l.expires, l.timeout,
    (l.shared and SHARED or 0) + (l.infinite and INFINITE or 0), #l.account, l.account, #l.fold, l.fold) .. l.owner
end

-- All that have not expired, by token.
local heldLocks
local function locksAt(time)
  if heldLocks then return heldLocks end
  heldLocks = {}
  if (rec[11] or '0') == '0' then return heldLocks end
  local flat = call('HGETALL', P .. 'l')
  for i = 1, #flat, 2 do
    local lock = unpackLock(flat[i + 1])
    if lock.expires > time then heldLocks[flat[i]] = lock end
  end
  return heldLocks
end

local function submitted(token)
  return string.find(ARGV[2] .. ' ', ' ' .. token .. ' ', 1, true) ~= nil
end
-- Is folder `id` `at` itself or above it?
local function within(at, id)
  while at and at ~= id do
    if at == 0 then return false end
    local up = call('HGET', P .. 'u', at)
    at = up and sunpack('>I5', up)
  end
  return at == id
end
local function lockPath(lock)
  if lock.id == 0 then return '' end
  local frames = climb(lock.parent)
  local raw = frames and call('HGET', node(lock.parent), lock.fold)
  return raw and prefixOf(frames) .. nameOf(raw, lock.fold)
end

-- Which locks a place meets: calls `see(token, lock)` for those on the entry, those above with depth infinity, with
-- `membership` those on its folder, with `below` those below it.
local function meet(time, place, membership, below, see)
  local held = locksAt(time)
  if not next(held) then return end
  local above, own = {}, 0
  if not place.root then
    own = found(place) and idOf(place.raw)
    above[0] = true
    for _, frame in ipairs(place.frames) do above[idOf(frame.raw)] = true end
  end
  for token, lock in pairs(held) do
    if lock.id == own or (above[lock.id] and (lock.infinite or (membership and lock.id == place.at))) or
      (below and own and within(lock.parent, own)) then
      see(token, lock)
    end
  end
end

-- The refusal where a lock binds: the caller holds none on that entry whose token it submits.
local function lockOn(place, membership, below)
  if (rec[11] or '0') == '0' then return false end
  local open, shut = {}, {}
  meet(now, place, membership, below, function(token, lock)
    if lock.account == ARGV[1] and submitted(token) then open[lock.id] = true else shut[lock.id] = token end
  end)
  for id, token in pairs(shut) do
    if not open[id] then
      local lock = heldLocks[token]
      return fail('LOCKED', token, lockPath(lock) or '', lock.account)
    end
  end
  return false
end

local function countLocks()
  rec[11] = tostring(call('HLEN', P .. 'l'))
  call('HSET', KEYS[1], 'locks', rec[11])
end
-- The entry moves or goes: its locks end, and those below it (RFC 4918 §9.9).
local function unlock(raw)
  if (rec[11] or '0') == '0' then return end
  local id = idOf(raw)
  for token, lock in pairs(locksAt(now)) do
    if lock.id == id or (isFolder(raw) and within(lock.parent, id)) then
      call('HDEL', P .. 'l', token)
      heldLocks[token] = nil
    end
  end
  countLocks()
end

-- For answers: token, packed lock and path in turn.
local function describedLocks(time)
  local list = {}
  for token, lock in pairs(locksAt(time)) do
    local path = lockPath(lock)
    if path then
      list[#list + 1] = token
      list[#list + 1] = packLock(lock)
      list[#list + 1] = path
    end
  end
  return list
end
