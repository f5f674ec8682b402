-- A row of the journal that stands for many: its first seq, the name of its chunks in t (256 rows each), and what stands
-- before their paths; nothing where the row stands for itself. id: its own, the last seq.
local function rangeOf(id, text)
  local change = bit.band(string.byte(text, 1), 7)
  if change < 5 then return end
  if change == 5 then return struct.unpack('>I6', text, #text - 5), id, '' end
  local path, at = struct.unpack('>I2c0', text, 8)
  return struct.unpack('>I6', text, at), string.sub(text, at + 6), path .. '/'
end
