-- A page of the folder with node id `id`. Small folders come whole and unordered: 0, folded names and entries in turn, packed (strings.ts).
-- Those with an index ordered, from behind `after`, `limit` of them: 1, { their names, packed, then their entries, packed, in the same order }.
-- So many values fit on Lua's stack.
local MOST_VALUES = 4000
local function pageOf(id, limit, after)
  if call('EXISTS', indexKey(id)) == 0 then return 0, cmsgpack.pack(call('HGETALL', node(id))) end
  local folds = call('ZRANGEBYLEX', indexKey(id), after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, limit)
  local page = { cmsgpack.pack(folds) }
  for at = 1, #folds, MOST_VALUES do
    page[#page + 1] = cmsgpack.pack(call('HMGET', node(id), unpack(folds, at, math.min(at + MOST_VALUES - 1, #folds))))
  end
  return 1, page
end
