--@include keys
--@include entry
-- Corrects a folder's totals by what they lack, and raises its bounds. What is lacking does not change with the changes that go
-- on meanwhile, so a live space can be mended.
-- ARGV 1 id, 2 id of the folder it is filed in, 3 folded name; what to add: 4 entries, 5 bytes, 6 children;
--      at least: 7 height, 8 span, 9 changed; 10 operation id, so that it is added once
-- Result: 1 / 0 the folder is not there any more
local id = tonumber(ARGV[1])
if not call('SET', P .. 'o:' .. ARGV[10], 'D', 'NX', 'PX', 3600000) then return 1 end
if id == 0 then
  call('HINCRBY', KEYS[1], 'entries', ARGV[4])
  call('HINCRBY', KEYS[1], 'bytes', ARGV[5])
  return 1
end
local at = node(ARGV[2])
local raw = call('HGET', at, ARGV[3])
if not raw or not isFolder(raw) or idOf(raw) ~= id then return 0 end
local f = unpackFolder(raw)
f.entries, f.size, f.children = f.entries + ARGV[4], f.size + ARGV[5], f.children + ARGV[6]
f.height = math.max(f.height, tonumber(ARGV[7]))
f.span = math.max(f.span, tonumber(ARGV[8]))
f.changed = math.max(f.changed, tonumber(ARGV[9]))
call('HSET', at, ARGV[3], packFolder(f))
return 1
