-- A page of the folder with node id `id`: folded names and entries in turn. Small folders come whole and unordered (0);
-- those with an index ordered, from behind `after`, `limit` of them (1).
local function pageOf(id, limit, after)
  if call('EXISTS', indexKey(id)) == 0 then return 0, call('HGETALL', node(id)) end
  local folds = call('ZRANGEBYLEX', indexKey(id), after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, limit)
  local page = {}
  for at = 1, #folds, 1000 do
    local last = math.min(at + 999, #folds)
    local raws = call('HMGET', node(id), unpack(folds, at, last))
    for i = at, last do
      page[#page + 1] = folds[i]
      page[#page + 1] = raws[i - at + 1]
    end
  end
  return 1, page
end
