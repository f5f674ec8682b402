--@include keys
-- The space's record and the caller's access to it. Every script includes this first.
-- ARGV[1]  account id of the caller
-- ARGV[2]  'w' or 'r' where the account slot found, for this very request, that somebody shared the space with the caller,
--          else '-'; where that is only presumed, the version of the account slot it was found at; then, with spaces between, the
--          lock tokens the caller submits
-- KEYS[2]  where it is presumed: what says that version now. Nothing is done where that is another one.
if KEYS[2] and call('GET', KEYS[2]) ~= string.match(ARGV[2], '^.([^ ]+)') then return fail('PRESUMED') end
-- owner, state, seq, next id, bytes, entries, epoch, created, modified, root has an index, locks, there were copies
local rec = call('HMGET', KEYS[1], 'owner', 'state', 'seq', 'next', 'bytes', 'entries', 'epoch', 'created',
  'modified', 'index', 'locks', 'copies')
local seq, nextId, bytes, entries = tonumber(rec[3]), tonumber(rec[4]), tonumber(rec[5]), tonumber(rec[6])
local epoch = rec[7]

-- 'o' owner, 'w' writes, 'r' reads, false nothing: not even that the space exists.
local function access()
  if rec[2] ~= 'live' then return false end
  if rec[1] == ARGV[1] then return 'o' end
  local granted = string.sub(ARGV[2], 1, 1)
  return (granted == 'w' or granted == 'r') and granted
end

local letter = access()
if not letter then return fail('NOT_FOUND', 'space') end
