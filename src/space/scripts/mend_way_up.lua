--@include keys
--@include entry
-- Makes a folder's way up agree with where the folder is filed; where it is nowhere any more, the way up goes.
-- ARGV 1 id, 2 id of the folder it should be filed in, 3 folded name ('' there is none)
-- Result: 1 mended / 0 nothing to do, or there are trees out of sight: cut off and not reaped, or being copied
local id = tonumber(ARGV[1])
local function filed(at, fold)
  local raw = call('HGET', node(at), fold)
  return raw and isFolder(raw) and idOf(raw) == id
end
if ARGV[3] ~= '' then
  if not filed(tonumber(ARGV[2]), ARGV[3]) then return 0 end
  call('HSET', P .. 'u', id, spack('>I5', tonumber(ARGV[2])) .. ARGV[3])
  return 1
end
local up = call('HGET', P .. 'u', id)
if not up or call('ZCARD', P .. 'r') + call('ZCARD', P .. 'k') > 0 then return 0 end
local at, behind = sunpack('>I5', up)
if filed(at, ssub(up, behind)) then return 0 end
return call('HDEL', P .. 'u', id)
