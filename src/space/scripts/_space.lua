--@include keys
-- The space's record and the caller's access to it. Every script includes this first.
-- ARGV[1]  account id of the caller; ARGV[2] its principals, joined by newlines
-- owner, state, seq, next id, bytes, entries, epoch, created, modified, root has an index
local rec = call('HMGET', KEYS[1], 'owner', 'state', 'seq', 'next', 'bytes', 'entries', 'epoch', 'created',
  'modified', 'index')
local seq, nextId, bytes, entries = tonumber(rec[3]), tonumber(rec[4]), tonumber(rec[5]), tonumber(rec[6])
local epoch = rec[7]

-- 'o' owner, 'w' writes, 'r' reads, false nothing: not even that the space exists.
local function access()
  if rec[2] ~= 'live' then return false end
  if rec[1] == ARGV[1] then return 'o' end
  local held, found = {}, false
  for principal in string.gmatch(ARGV[2], '[^\n]+') do held[#held + 1] = principal end
  for at = 1, #held, 1000 do
    local letters = call('HMGET', P .. 'a', unpack(held, at, math.min(at + 999, #held)))
    for _, granted in ipairs(letters) do
      if granted then
        found = found or 'r'
        if string.find(granted, 'w', 1, true) then return 'w' end
      end
    end
  end
  return found
end

local letter = access()
if not letter then return fail('NOT_FOUND', 'space') end
