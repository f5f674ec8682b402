-- Finding entries. A frame is a folder on the way down: { at = node it is filed in, fold, raw }; the root has none.
local function split(text)
  local parts, count = {}, 0
  for part in string.gmatch(text, '[^/]+') do
    count = count + 1
    parts[count] = part
  end
  return parts
end

-- A folder that has children must have its key; where not, its slot is being moved to another master: nothing was
-- written yet, the caller tries again.
local function torn(id, children)
  return children > 0 and call('EXISTS', node(id)) == 0
end

-- The frames from the root down to the folder with id `base`, or nil where it is gone or cut off.
local function climb(base)
  local frames, id = {}, base
  while id ~= 0 do
    local up = call('HGET', P .. 'u', id)
    if not up then return nil end
    local parent, at = sunpack('>I5', up)
    local fold = ssub(up, at)
    local raw = call('HGET', node(parent), fold)
    if not raw or not isFolder(raw) or idOf(raw) ~= id then return nil end
    table.insert(frames, 1, { at = parent, fold = fold, raw = raw })
    id = parent
  end
  return frames
end

-- Walks `folds` (folded names) down from folder `base` ('' = root). Returns a place, or nil and an error:
--   frames  the folders passed, without the entry itself
--   at      node id of the last folder reached; fold: what is looked for in it
--   raw     the entry found, or false. Where `index` < `count`, raw is a file in the way, or false: missing from there on
--   root    true where the place is the root itself (no raw then)
local function locate(base, folds)
  local frames, at = {}, 0
  if base ~= '' then
    frames = climb(tonumber(base))
    if not frames then return nil, fail('NOT_FOUND', 'base') end
    if #frames > 0 then at = idOf(frames[#frames].raw) end
  end
  local count = #folds
  if count == 0 then
    if #frames == 0 then return { frames = frames, root = true, raw = false, index = 0, count = 0 } end
    local own = table.remove(frames)
    return { frames = frames, at = own.at, fold = own.fold, raw = own.raw, index = 0, count = 0 }
  end
  local depth, nodes = #frames, P .. 'd:'
  for index = 1, count do
    local fold = folds[index]
    local raw = call('HGET', nodes .. at, fold)
    if not raw then
      local parent = frames[#frames]
      local children = entries
      if parent then children = sunpack('>I4', parent.raw, 35) end
      if torn(at, children) then return nil, fail('BUSY') end
    end
    if not raw or index == count or not isFolder(raw) then
      return { frames = frames, at = at, fold = fold, raw = raw, index = index, count = count }
    end
    depth = depth + 1
    frames[depth] = { at = at, fold = fold, raw = raw }
    at = sunpack('>I5', raw, 2)
  end
end

-- Slash-separated canonical names of the frames, with a slash behind each.
local function prefixOf(frames)
  local count = #frames
  if count == 0 then return '' end
  local names = {}
  for i = 1, count do
    local frame = frames[i]
    names[i] = nameOf(frame.raw, frame.fold)
  end
  names[count + 1] = ''
  return table.concat(names, '/')
end
local function found(place) return place.raw and place.index == place.count end
-- Is `raw` a folder on the way to the place?
local function holds(raw, place)
  if not isFolder(raw) then return false end
  local id = idOf(raw)
  for _, frame in ipairs(place.frames) do
    if idOf(frame.raw) == id then return true end
  end
  return false
end
local function pathOf(place)
  if place.root then return '' end
  return prefixOf(place.frames) .. nameOf(place.raw, place.fold)
end

-- What every answer about an entry begins with; the root is described by the record. `path`: where it is known.
local function described(place, path)
  local raw = place.raw
  if place.root then
    path = ''
    raw = spack(FOLDER_FORM, FOLDER, 0, bytes, tonumber(rec[8]), tonumber(rec[9]), seq, entries, 0, 0, 0)
  end
  return { letter, seq, epoch, path or pathOf(place), raw }
end
