-- Dead properties of an entry, and how a change to them is made. ARGV from `first` on: name, '1' set / '0' remove, value.
local PROPERTIES_BYTES = 65536
local function propertiesKey(id) return P .. 'p:' .. id end

-- Their lengths by name as they would be after the change, and the bytes they would have together. `key`: false, there are none yet.
local function propertiesAfter(key, first)
  local total, have = 0, {}
  local flat = key and call('HGETALL', key) or {}
  for i = 1, #flat, 2 do have[flat[i]] = #flat[i + 1] end
  for i = first, #ARGV, 3 do have[ARGV[i]] = ARGV[i + 1] == '1' and #ARGV[i + 2] or nil end
  for name, length in pairs(have) do total = total + #name + length end
  return have, total
end
-- Makes the change that was judged; answers the entry's flags with it. `have`: as `propertiesAfter` gave it.
local function setProperties(key, first, have, flags)
  for i = first, #ARGV, 3 do
    if ARGV[i + 1] == '1' then call('HSET', key, ARGV[i], ARGV[i + 2]) else call('HDEL', key, ARGV[i]) end
  end
  return next(have) and bor(flags, PROPERTIES) or band(flags, 255 - PROPERTIES)
end
