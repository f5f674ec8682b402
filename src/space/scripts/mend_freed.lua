--@include keys
--@include entry
-- Takes a blob that an entry uses back from those let go, before the collector deletes it.
-- ARGV 1 id of the folder the entry is in, 2 its folded name, 3 blob (16 raw bytes); 4 … its items among the freed
-- Result: 1 / 0 the entry does not use the blob any more
local raw = call('HGET', node(ARGV[1]), ARGV[2])
if not raw or isFolder(raw) or blobOf(raw) ~= ARGV[3] then return 0 end
for i = 4, #ARGV do call('LREM', P .. 'f', 0, ARGV[i]) end
call('HDEL', P .. 'x', ARGV[3])
return 1
