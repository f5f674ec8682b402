--@include keys
--@include entry
-- Makes a folder's ordered index agree with its hash for some names, and says in its entry that it has one.
-- ARGV 1 id, 2 id of the folder it is filed in, 3 folded name; then names, up to 1,000
-- Result: 1 / 0 the folder is not there any more
local id = tonumber(ARGV[1])
if id == 0 then
  call('HSET', KEYS[1], 'index', '1')
else
  local raw = call('HGET', node(ARGV[2]), ARGV[3])
  if not raw or not isFolder(raw) or idOf(raw) ~= id then return 0 end
  call('HSET', node(ARGV[2]), ARGV[3], string.char(bor(flagsOf(raw), INDEX)) .. ssub(raw, 2))
end
for i = 4, #ARGV do
  if call('HEXISTS', node(id), ARGV[i]) == 1 then
    call('ZADD', indexKey(id), 0, ARGV[i])
  else
    call('ZREM', indexKey(id), ARGV[i])
  end
end
return 1
