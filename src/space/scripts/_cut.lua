-- Cutting an entry off for good, alone or with all that is below it.
-- Its locks end, and its tombstone goes into the journal with the operation id `op` (nil where it only makes room for another
-- entry). A folder with entries leaves one physical row, which reserves a seq for each of them; the reaper (reap.lua) writes
-- their tombstones out and frees what they stand for, in small steps. Unlinking and totals are left to the caller.
-- Returns how many entries went, and the seq of the range to reap or 0.
local function entriesOf(raw)
  if not isFolder(raw) then return 1 end
  return 1 + (sunpack('>I4', raw, 31))
end
local function cut(place, op)
  local raw, path = place.raw, pathOf(place)
  local count = entriesOf(raw)
  unlock(raw)
  if count == 1 then
    if isFolder(raw) then call('HDEL', P .. 'u', idOf(raw)) end
    bury(now, rec[12], raw)
    journal(row(now, DELETE, raw, path, nil, op))
    return 1, 0
  end
  local first = seq + 1
  seq = seq + count - 1
  local last = seq + 1
  journal(spack('>BI6', RANGE + (op and 24 or 8), now) .. (op or '') .. spack('>I2', #path) .. path .. spack('>I6', first))
  call('ZADD', P .. 'r', last, last)
  call('HSET', P .. 'r:' .. last, 'first', first, 'next', first, 'time', now, 'prefix', prefixOf(place.frames), 'stack',
    cmsgpack.pack({ { idOf(raw), place.fold, raw } }))
  return count, last
end
