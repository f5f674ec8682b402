-- Dead properties of an entry, and how a change to them is made. ARGV from `first` on: name, '1' set / '0' remove, value.
local PROPERTIES_BYTES = 65536
local function propertiesKey(id) return P .. 'p:' .. id end

-- Their lengths by name as they would be after the change, and the bytes they would have together. `flags`: the entry's, 0 for a new one.
local function propertiesAfter(id, flags, first)
  local total, have = 0, {}
  local flat = band(flags, PROPERTIES) ~= 0 and call('HGETALL', propertiesKey(id)) or {}
  for i = 1, #flat, 2 do have[flat[i]] = #flat[i + 1] end
  for i = first, #ARGV, 3 do have[ARGV[i]] = ARGV[i + 1] == '1' and #ARGV[i + 2] or nil end
  for name, length in pairs(have) do total = total + #name + length end
  return have, total
end
-- Makes the change that was judged; answers the flags with it. `have`: as `propertiesAfter` gave it.
local function setProperties(id, flags, first, have)
  local key = propertiesKey(id)
  for i = first, #ARGV, 3 do
    if ARGV[i + 1] == '1' then
      call('HSET', key, ARGV[i], ARGV[i + 2])
    elseif band(flags, PROPERTIES) ~= 0 then
      call('HDEL', key, ARGV[i])
    end
  end
  return next(have) and bor(flags, PROPERTIES) or band(flags, 255 - PROPERTIES)
end
