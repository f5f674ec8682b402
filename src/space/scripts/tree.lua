--@include space
--@include entry
--@include walk
-- Everything below a folder at one instant, where it has at most `limit` entries.
-- ARGV 3 base, 4 folded path, 5 limit
-- Result: description; 1 complete / 0 too large; then for each folder its id and its names and entries in turn, packed, parents
--         first
local place, err = locate(ARGV[3], split(ARGV[4]))
if not place then return err end
if not place.root and not found(place) then return fail('NOT_FOUND', 'entry') end
local reply = described(place)
local top = reply[5]
if not isFolder(top) then return fail('TYPE_CLASH', 'file', reply[4]) end
if (sunpack('>I4', top, 31)) > tonumber(ARGV[5]) then
  reply[6] = 0
  return reply
end
reply[6] = 1
local queue, at = { idOf(top) }, 1
while queue[at] do
  local flat = call('HGETALL', node(queue[at]))
  reply[#reply + 1] = queue[at]
  reply[#reply + 1] = cmsgpack.pack(flat)
  for i = 2, #flat, 2 do
    if isFolder(flat[i]) then queue[#queue + 1] = idOf(flat[i]) end
  end
  at = at + 1
end
return reply
