--@allow-oom
--@include keys
--@include entry
-- Makes a space dead: from here on it is not found, and the reaper takes it apart. Harmless where it is dead or gone.
-- Result: 1 there is something to reap / 0 nothing is left
local state = call('HGET', KEYS[1], 'state')
if not state then return 0 end
if state == 'live' then
  local time = call('TIME')
  local root = spack('>BI5I6I6I6I6I4I4BI2', FOLDER, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  call('HSET', KEYS[1], 'state', 'dead')
  call('ZADD', P .. 'r', 0, 'root')
  call('HSET', P .. 'r:root', 'first', 1, 'next', 1, 'time', time[1] * 1000, 'prefix', '', 'stack',
    cmsgpack.pack({ { 0, '', root } }))
  -- What of the journal is sealed goes like the blobs of files.
  for _, segment in ipairs(call('ZRANGE', P .. 'g', 0, -1)) do
    local blob = string.gsub(string.match(segment, '^%d+ %d+ (%x+)'), '..', function(hex)
      return string.char(tonumber(hex, 16))
    end)
    call('RPUSH', P .. 'f', spack('>I6', time[1] * 1000) .. blob)
  end
  call('DEL', P .. 'g')
  call('SPUBLISH', P .. 'c', 'gone')
end
return 1
