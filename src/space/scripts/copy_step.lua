--@include space
--@include entry
--@include row
-- Builds a copy of a folder's tree out of sight, a few hundred entries at a time, with its journal rows (paths relative to the
-- copy). Nothing points to it until copy.lua links it in; left alone, the sweep takes it apart (copy_abandon.lua).
-- ARGV 3 id of the copy, 4 id of the folder, 5 random bytes: 16 for each entry of a step
-- Result: access, 1 more to do / 0 built; or STALE_COPY: the folder changed since the copy began
local CHUNK = 256
if letter == 'r' then return fail('READ_ONLY') end
local copy, source = ARGV[3], tonumber(ARGV[4])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- The folder's entry, as it is in its parent: `changed` tells whether anything below it is not as it was.
local raw
if source == 0 then
  raw = spack('>BI5I6I6I6I6I4I4BI2', FOLDER, 0, bytes, 0, 0, seq, entries, 0, 0, 0)
else
  local up = call('HGET', P .. 'u', source)
  local parent, at = sunpack('>I5', up or '\0\0\0\0\0')
  raw = up and call('HGET', node(parent), ssub(up, at))
  if not raw or idOf(raw) ~= source then return fail('STALE_COPY') end
end
local changed = unpackFolder(raw).changed
local stateKey = P .. 'k:' .. copy
local state = call('HMGET', stateKey, 'changed', 'rows', 'queue')
local queue, rows
if not state[1] then
  if call('EXISTS', P .. 'o:' .. copy) == 1 then return fail('STALE_COPY') end
  local root = nextId
  nextId = nextId + 1
  queue, rows = { { source, root, '', '' } }, 0
  call('HSET', stateKey, 'root', root, 'source', source, 'changed', changed)
  if rec[12] ~= '1' then call('HSET', KEYS[1], 'copies', '1') end
elseif tonumber(state[1]) ~= changed then
  return fail('STALE_COPY')
else
  queue, rows = cmsgpack.unpack(state[3]), tonumber(state[2])
end
call('ZADD', P .. 'k', now, copy)

-- A level of the queue: node to read, node to fill, its path with a slash behind, last folded name done. Folders come before
-- what is in them; large ones wait for each of theirs, so that the queue stays short.
-- Few names are read at a time where folders come, each of which is gone into at once, and more where files do.
local FEW = 4
local texts, reach = {}, FEW
while #texts < CHUNK and #queue > 0 do
  local level = queue[#queue]
  local from, to, prefix, after = node(level[1]), node(level[2]), level[3], level[4]
  local folds
  local indexed = call('EXISTS', indexKey(level[1])) == 1
  if indexed then
    folds = call('ZRANGEBYLEX', indexKey(level[1]), after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, math.min(reach, CHUNK - #texts))
    reach = 2 * reach
  else
    folds = {}
    for _, fold in ipairs(call('HKEYS', from)) do
      if fold > after then folds[#folds + 1] = fold end
    end
    table.sort(folds)
  end
  if #folds == 0 then queue[#queue] = nil end
  for _, fold in ipairs(folds) do
    if #texts == CHUNK then break end
    level[4] = fold
    local entry, id = call('HGET', from, fold), nextId
    nextId = nextId + 1
    local name, flags = nameOf(entry, fold), flagsOf(entry)
    local made
    if isFolder(entry) then
      made = string.char(flags) .. spack('>I5', id) .. ssub(entry, 7, 12) .. spack('>I6', now) .. ssub(entry, 19)
      call('HSET', P .. 'u', id, spack('>I5', level[2]) .. fold)
      queue[#queue + 1] = { idOf(entry), id, prefix .. name .. '/', '' }
    else
      local blob, plain = blobOf(entry), band(flags, BLOB) == 0
      made = string.char(bor(flags, BLOB)) .. spack('>I5', id) .. ssub(entry, 7, 12) .. spack('>I6', now)
        .. ssub(entry, 19, 24) .. ssub(ARGV[5], #texts * 16 + 1, #texts * 16 + 16) .. ssub(entry, 41, 56) .. blob
        .. ssub(entry, plain and 57 or 73)
      call('HINCRBY', P .. 'refs', blob, 1)
    end
    call('HSET', to, fold, made)
    if indexed then call('ZADD', indexKey(level[2]), 0, fold) end
    if band(flags, PROPERTIES) ~= 0 then call('COPY', P .. 'p:' .. idOf(entry), P .. 'p:' .. id) end
    local text = row(now, CREATE, made, prefix .. name)
    texts[#texts + 1] = spack('>I2', #text) .. text
    if indexed and isFolder(entry) then
      reach = FEW
      break
    end
  end
end

if #texts > 0 then
  call('HSET', P .. 't', 'k' .. copy .. ':' .. rows / CHUNK, table.concat(texts))
  rows = rows + #texts
end
call('HSET', stateKey, 'rows', rows, 'queue', cmsgpack.pack(queue))
call('HSET', KEYS[1], 'next', nextId)
return { letter, #queue > 0 and 1 or 0 }
