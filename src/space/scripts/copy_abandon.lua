--@allow-oom
--@include keys
--@include entry
-- Gives up copies that nobody finished: the reaper takes them apart.
-- ARGV 1 id of a copy, or '' for all untouched since 2 (ms)
-- Result: number of copies given up
local copies = ARGV[1] ~= '' and { ARGV[1] } or call('ZRANGEBYSCORE', P .. 'k', '-inf', ARGV[2])
for _, copy in ipairs(copies) do
  local root, rows, grafted = unpack(call('HMGET', P .. 'k:' .. copy, 'root', 'rows', 'entry'))
  if root then
    -- The blob of a single file is still pending: the collector takes it.
    local properties = grafted and band(flagsOf(grafted), PROPERTIES) or 0
    local raw = spack('>BI5I6I6I6I6I4I4BI2', FOLDER + properties, root, 0, 0, 0, 0, 0, 0, 0, 0)
    local name = 'copy:' .. copy
    call('ZADD', P .. 'r', 0, name)
    call('HSET', P .. 'r:' .. name, 'first', 1, 'next', 1, 'time', call('TIME')[1] * 1000, 'prefix', '', 'stack',
      cmsgpack.pack({ { tonumber(root), '', raw } }))
    for chunk = 0, math.ceil((tonumber(rows) or 0) / 256) - 1 do call('HDEL', P .. 't', 'k' .. copy .. ':' .. chunk) end
    call('DEL', P .. 'k:' .. copy)
  end
  call('ZREM', P .. 'k', copy)
  call('SET', P .. 'o:' .. copy, 'D', 'PX', 3600000)
end
return #copies
