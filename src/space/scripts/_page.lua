-- A page of the folder with node id `id`: folded names and entries in turn, packed (strings.ts). Small folders come whole and unordered (0);
-- those with an index ordered, from behind `after`, `limit` of them (1).
local function pageOf(id, limit, after)
  if call('EXISTS', indexKey(id)) == 0 then return 0, cmsgpack.pack(call('HGETALL', node(id))) end
  local folds = call('ZRANGEBYLEX', indexKey(id), after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, limit)
  local page, count = {}, 0
  for at = 1, #folds, 1000 do
    local last = math.min(at + 999, #folds)
    local raws = call('HMGET', node(id), unpack(folds, at, last))
    for i = at, last do
      page[count + 1], page[count + 2] = folds[i], raws[i - at + 1] or ''
      count = count + 2
    end
  end
  return 1, cmsgpack.pack(page)
end
