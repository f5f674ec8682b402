-- Letting go of what an entry used.
-- A blob that several entries use is counted in `refs` (uses beyond the first); any other is noted as freed, and the
-- collector deletes it after its grace period.
local function release(now, counted, blob)
  local more = counted and call('HGET', P .. 'refs', blob)
  if not more then
    call('RPUSH', P .. 'f', spack('>I6', now) .. blob)
  elseif more == '1' then
    call('HDEL', P .. 'refs', blob)
  else
    call('HINCRBY', P .. 'refs', blob, -1)
  end
end
-- The entry itself is gone.
local function bury(now, counted, raw)
  if band(flagsOf(raw), PROPERTIES) ~= 0 then call('UNLINK', P .. 'p:' .. idOf(raw)) end
  if not isFolder(raw) then release(now, counted, blobOf(raw)) end
end
