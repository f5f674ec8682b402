-- Changing the tree: journal rows, totals on the way up, blobs let go. For scripts that have done all their checks.
--@include row
--@include order
--@include free
local PATH_BYTES, LEVELS, INDEX_AT = 1024, 64, 2048
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function journal(text)
  seq = seq + 1
  call('XADD', P .. 'j', seq .. '-0', 'r', text)
end

local function hasIndex(frame)
  if frame then return band(flagsOf(frame.raw), INDEX) ~= 0 end
  return rec[10] == '1'
end
-- Files `raw` under `fold` in folder `at`, whose frame is `parent` (nil: the root).
local function link(parent, at, fold, raw)
  call('HSET', node(at), fold, raw)
  if hasIndex(parent) then call('ZADD', indexKey(at), 0, fold) end
end
local function unlink(parent, at, fold)
  call('HDEL', node(at), fold)
  if hasIndex(parent) then call('ZREM', indexKey(at), fold) end
end

-- Carries a change below the last frame up to the root: `count` entries and `size` bytes more, `children` (1, 0, -1) more
-- in the last frame's folder, `height` levels and `span` path bytes below it. Frames marked `new` are folders made by this
-- change; they count themselves in above. `changed`: the seq of the change's last row, where that is yet to come.
local function carry(frames, count, size, children, height, span, changed)
  local nodes = P .. 'd:'
  for k = #frames, 1, -1 do
    local frame = frames[k]
    -- unpackFolder and packFolder without the table: this is what every change does on every level.
    local flags, id, total, created, modified, _, below, own, high, wide, at = sunpack(FOLDER_FORM, frame.raw)
    if children ~= 0 then
      own, modified = own + children, now
      if own >= INDEX_AT and band(flags, INDEX) == 0 then
        order(id)
        flags = bor(flags, INDEX)
      end
    end
    if height > high then high = height end
    if span > wide then wide = span end
    local name = ssub(frame.raw, at)
    frame.raw = spack(FOLDER_FORM, flags, id, total + size, created, modified, changed or seq, below + count, own, high,
      wide) .. name
    height, span = height + 1, span + 1 + (name == '' and #frame.fold or #name)
    if frame.new then
      link(frames[k - 1], frame.at, frame.fold, frame.raw)
      call('HSET', P .. 'u', id, spack('>I5', frame.at) .. frame.fold)
      count, children = count + 1, 1
    else
      call('HSET', nodes .. frame.at, frame.fold, frame.raw)
      children = 0
    end
  end
  entries, bytes = entries + count, bytes + size
  if children ~= 0 and rec[10] ~= '1' and entries >= INDEX_AT and call('HLEN', node(0)) >= INDEX_AT then
    order(0)
    rec[10] = '1'
    call('HSET', KEYS[1], 'index', '1')
  end
end

-- Frames for the folders missing on the way to `place` (all but its last segment), with their rows. The place then lies in
-- the last of them.
local function grow(place, folds, names)
  local frames = place.frames
  local prefix = prefixOf(frames)
  local at = place.at
  for i = place.index, place.count - 1 do
    local id = nextId
    nextId = nextId + 1
    local raw = spack(FOLDER_FORM, FOLDER, id, 0, now, now, seq, 0, 0, 0, 0)
    raw = renamed(raw, names[i], folds[i])
    frames[#frames + 1] = { at = at, fold = folds[i], raw = raw, new = true }
    journal(row(now, CREATE, raw, prefix .. names[i]))
    prefix = prefix .. names[i] .. '/'
    at = id
  end
  place.at, place.fold, place.index = at, folds[place.count], place.count
end

-- Bytes of the canonical path a place will have, with the names still to be made.
local function pathBytes(place, names)
  local total = 0
  for _, frame in ipairs(place.frames) do total = total + #nameOf(frame.raw, frame.fold) + 1 end
  for i = place.index, place.count do total = total + #names[i] + 1 end
  return total - 1
end
local function levels(place) return #place.frames + place.count - place.index + 1 end
local function tooLong(place, names, height, span)
  local reach = span > 0 and span + 1 or 0
  if levels(place) + height > LEVELS then return fail('BAD_PATH', 'levels', levels(place) + height) end
  if pathBytes(place, names) + reach > PATH_BYTES then
    return fail('BAD_PATH', 'bytes', pathBytes(place, names) + reach)
  end
  return false
end

local function save()
  call('HSET', KEYS[1], 'seq', seq, 'next', nextId, 'bytes',
    bytes, 'entries', entries, 'modified', now)
  call('SPUBLISH', P .. 'c', seq)
  rec[9] = now
end
