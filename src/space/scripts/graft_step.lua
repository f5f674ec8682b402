--@include space
--@include entry
--@include row
--@include order
-- Builds a tree that comes from elsewhere out of sight, some entries at a time, with its journal rows (paths relative to the
-- tree). Nothing points to it until copy.lua links it in; left alone, the sweep takes it apart (copy_abandon.lua).
-- ARGV 3 id of the copy, 4 number of the step: 0 brings the top alone, each further one 256 entries, the last perhaps fewer; a
--      step that was done is not done again, and says only that the copy goes on; 5 number of entries; then for each
--      FIELDS values: parent's id, or -n for the n-th of this step; folded name, name, modified (ms), executable '1'/'0',
--      size ('' a folder), blob (raw), md5 (raw), content type, number of its dead properties;
--      and then of each in turn the properties' names and values
-- Result: access, id of the first entry, the others' follow
-- STALE_COPY: it was given up, or does not fit together
local CHUNK, INDEX_AT, FIELDS = 256, 2048, 10
if letter == 'r' then return fail('READ_ONLY') end
local copy, step = ARGV[3], tonumber(ARGV[4])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stateKey = P .. 'k:' .. copy
local state = call('HMGET', stateKey, 'root', 'step', 'first', 'rows', 'entry')
if not state[1] and (step > 0 or call('EXISTS', P .. 'o:' .. copy) == 1) then return fail('STALE_COPY') end
if state[1] and step <= tonumber(state[2]) then
  call('ZADD', P .. 'k', now, copy)
  return { letter, tonumber(state[3]) }
end

local top, first, rows = tonumber(state[1]) or nextId, nextId, tonumber(state[4]) or 0
-- Folders that get something, by id, each with its path as a prefix of rows.
local folders = {}
if state[5] and isFolder(state[5]) then folders[top] = { f = unpackFolder(state[5]), prefix = '', length = 0 } end
local function folder(id)
  if folders[id] then return folders[id] end
  local up = call('HGET', P .. 'u', id)
  local parent, at = sunpack('>I5', up)
  local fold = ssub(up, at)
  local raw, above = call('HGET', node(parent), fold), folder(parent)
  local name = nameOf(raw, fold)
  folders[id] = { f = unpackFolder(raw), at = parent, fold = fold, prefix = above.prefix .. name .. '/', length = #name }
  return folders[id]
end
-- A child's totals, on its way up to the top.
local function count(id, size, length)
  local at, height, span = id, 1, length
  local f = folders[id].f
  f.children = f.children + 1
  while at do
    local one = folder(at)
    f = one.f
    f.entries, f.size = f.entries + 1, f.size + size
    f.height, f.span = math.max(f.height, height), math.max(f.span, span)
    height, span = height + 1, span + 1 + one.length
    at = one.at
  end
end

-- All is looked at before anything is changed.
local amount, seen = tonumber(ARGV[5]), {}
for at = 6, 5 + amount * FIELDS, FIELDS do
  local parent, fold, blob = tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 6]
  -- The collector may have claimed a blob that waited too long.
  local taken = blob ~= '' and call('EXISTS', P .. 'o:' .. string.gsub(blob, '.', function(c)
    return string.format('%02x', string.byte(c))
  end)) == 1
  -- What moves about in the source while it is read may come twice.
  local there = step > 0 and (seen[parent .. fold] or call('HEXISTS', node(parent), fold) == 1)
  if taken or there then return fail('STALE_COPY') end
  seen[parent .. fold] = true
end

local texts, property = {}, 6 + amount * FIELDS
for i = 1, amount do
  local at, id = 6 + (i - 1) * FIELDS, nextId
  nextId = nextId + 1
  local fold, name, modified, size = ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]), tonumber(ARGV[at + 5])
  local properties = tonumber(ARGV[at + 9])
  local flags = (properties > 0 and PROPERTIES or 0) + (ARGV[at + 4] == '1' and EXEC or 0)
  local raw
  if size then
    raw = spack('>BI5I6I6I6c16c16B', flags, id, size, now, modified, ARGV[at + 6], ARGV[at + 7], #ARGV[at + 8]) .. ARGV[at + 8]
  else
    raw = spack(FOLDER_FORM, FOLDER + flags, id, 0, now, modified, 0, 0, 0, 0, 0)
  end
  raw = renamed(raw, name, fold)
  for _ = 1, properties do
    call('HSET', P .. 'p:' .. id, ARGV[property], ARGV[property + 1])
    property = property + 2
  end
  if step == 0 then
    state[5] = raw
  else
    local parent = tonumber(ARGV[at])
    if parent < 0 then parent = first - parent - 1 end
    local above = folder(parent)
    call('HSET', node(parent), fold, raw)
    if band(above.f.flags, INDEX) ~= 0 then call('ZADD', indexKey(parent), 0, fold) end
    if not size then
      call('HSET', P .. 'u', id, spack('>I5', parent) .. fold)
      folders[id] = { f = unpackFolder(raw), at = parent, fold = fold, prefix = above.prefix .. name .. '/', length = #name }
    end
    count(parent, size or 0, #name)
    if above.f.children >= INDEX_AT and band(above.f.flags, INDEX) == 0 then
      order(parent)
      above.f.flags = bor(above.f.flags, INDEX)
    end
    local text = row(now, CREATE, raw, above.prefix .. name)
    texts[i] = spack('>I2', #text) .. text
  end
end

for id, one in pairs(folders) do
  if one.at then call('HSET', node(one.at), one.fold, packFolder(one.f)) else state[5] = packFolder(one.f) end
end
if #texts > 0 then
  call('HSET', P .. 't', 'k' .. copy .. ':' .. rows / CHUNK, table.concat(texts))
  rows = rows + #texts
end
call('ZADD', P .. 'k', now, copy)
call('HSET', stateKey, 'root', top, 'source', top, 'changed', 0, 'step', step, 'first', first, 'rows', rows, 'entry', state[5])
call('HSET', KEYS[1], 'next', nextId)
return { letter, first }
