-- Exactly once (src/README.md, "A reply can be lost"). For scripts that change something.
-- ARGV[3]  operation id, hex
-- ARGV[4]  attempt, from 0; a repeated attempt was preceded by fence.lua. '' where somebody only asks: then no answer is kept
-- ARGV[5]  '' or, where the client sent an Idempotency-Key, what it was sent with: the answer is kept for an hour
if letter == 'r' then return fail('READ_ONLY') end
local opKey = P .. 'o:' .. ARGV[3]
local prior = call('GET', opKey)
if prior then
  local kind = ssub(prior, 1, 1)
  if kind == 'D' then return fail('BUSY') end
  if kind == 'F' and ARGV[4] == '0' then return fail('BUSY') end
  if kind == 'R' then
    local kept = cmsgpack.unpack(ssub(prior, 2))
    if kept[1] ~= ARGV[5] then return fail('KEY_REUSED') end
    return kept[2]
  end
end
-- Ends the script with an answer that a repetition will get again, unless it says that the time was bad.
local function done(reply)
  local keeps = ARGV[4] ~= '' and (ARGV[5] ~= '' or ARGV[4] ~= '0')
  if keeps and reply[2] ~= 'BUSY' and reply[2] ~= 'LOCKED' then
    call('SET', opKey, 'R' .. cmsgpack.pack({ ARGV[5], reply }), 'PX', 3600000)
  end
  return reply
end
