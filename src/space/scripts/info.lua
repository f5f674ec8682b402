--@include space
-- The space's facts and, if asked, its small text files.
-- ARGV 3 '1' with the files
-- Result: access, seq, epoch, created, modified, bytes, entries, { key, value, … } with value = modified 6, text
local meta = {}
if ARGV[3] == '1' then meta = call('HGETALL', P .. 'm') end
return { letter, seq, epoch, tonumber(rec[8]), tonumber(rec[9]), bytes, entries, meta }
