-- The entry at a path from the root, for scripts that only look: like locate (_walk), but it remembers no folders on the way.
-- `text`: folded path, not empty. Returns the packed entry and its path, or nil and an error.
local function find(text)
  local nodes, folds, count, named = P .. 'd:', {}, 0, false
  local at, above, raw = 0, false, nil
  for fold in string.gmatch(text, '[^/]+') do
    if raw then
      if not isFolder(raw) then return nil, fail('NOT_FOUND', 'entry') end
      at, above = sunpack('>I5', raw, 2), raw
    end
    raw = call('HGET', nodes .. at, fold)
    if not raw then
      local children = above and sunpack('>I4', above, 35) or entries
      return nil, torn(at, children) and fail('BUSY') or fail('NOT_FOUND', 'entry')
    end
    count = count + 1
    folds[count] = fold
    if band(sbyte(raw, 1), NAME) ~= 0 then folds[count], named = nameOf(raw, fold), true end
  end
  return raw, named and table.concat(folds, '/') or text
end
