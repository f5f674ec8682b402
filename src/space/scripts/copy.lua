--@include space
--@include entry
--@include once
--@include walk
--@include change
--@include locks
--@include cut
-- Copies one entry: a file by reference to its blob, a folder without what is in it. Or links in a tree that copy_step.lua
-- has built, with its journal rows as one range; or what graft_step.lua has brought from elsewhere, a file or a tree.
-- ARGV 6 base, 7 folded path of the source; 8 base, 9 folded path, 10 path of the destination; 11 parents '1'/'0',
--      12 If-Match (source), 13 If-None-Match (destination), 14 space limit, 15 entries limit, 16 etag of a file, operation id
--      of a folder is its first half (raw), 17 '' or the id of the built tree, 18 '1' dry: only says whether it may,
--      19 '1' shallow: a folder without what is in it, 20 '1' overwrite: whatever is at the destination goes, folders too,
--      21 '1' the source is what was grafted, 22 size, 23 number of entries below its top ('' a file):
--      of what is yet to be grafted, for dry
-- Result: description of the copy, 1 replaced something / 0, seq of the range to reap or 0
-- TREE id: the source is a folder with entries, build its tree first; STALE_COPY: build it again
local folds, names = split(ARGV[9]), split(ARGV[10])
local stateKey, grafted, from, source, err = P .. 'k:' .. ARGV[17], ARGV[21] == '1', { frames = {} }, nil, nil
if not grafted then
  from, err = locate(ARGV[6], split(ARGV[7]))
  if not from then return done(err) end
  if not from.root and not found(from) then return done(fail('NOT_FOUND', 'entry')) end
  source = described(from)[5]
elseif ARGV[18] == '1' then
  source = ARGV[23] == '' and spack('>BI5I6I6I6c16c16B', 0, 0, ARGV[22], 0, 0, ARGV[16], ARGV[16], 0)
    or spack(FOLDER_FORM, FOLDER, 0, ARGV[22], 0, 0, 0, ARGV[23], 0, 0, 0)
else
  source = call('HGET', stateKey, 'entry')
  if not source then return fail('STALE_COPY') end
end
local broken = violated(ARGV[12], '', source)
if broken then return done(fail('PRECONDITION_FAILED', broken)) end
local to
to, err = locate(ARGV[8], folds)
if not to then return done(err) end
local hit = found(to) and to.raw
if ARGV[13] ~= '' and (to.root or listed(ARGV[13], hit)) then
  return done(fail('PRECONDITION_FAILED', 'If-None-Match'))
end
-- A file keeps its id when another is copied over it; of whatever else is in the way nothing stays.
local folder = isFolder(source)
local tree = folder and ARGV[17] ~= ''
local cutting = hit and (folder or isFolder(hit))
if to.root or (hit and isFolder(hit) and ARGV[20] ~= '1') then return done(fail('FOLDER_EXISTS', pathOf(to))) end
if to.raw and (not hit or (folder and ARGV[20] ~= '1')) then return done(fail('TYPE_CLASH', 'file', pathOf(to))) end
if hit and idOf(hit) == idOf(source) then return done(fail('INTO_ITSELF')) end
if hit and holds(hit, from) then return done(fail('INTO_ITSELF', 'held')) end
if not hit and to.index < to.count and ARGV[11] == '0' then return done(fail('NO_PARENT')) end
if from.root or holds(source, to) then return done(fail('INTO_ITSELF')) end
local f = folder and unpackFolder(source)
if folder and f.entries > 0 and not tree and ARGV[19] ~= '1' then return fail('TREE', f.id) end
local bound = lockOn(to, not hit or cutting, cutting)
if bound then return done(bound) end
-- Addressed by base alone, what is replaced leaves its name to what comes.
if cutting and to.count == 0 then
  names, to.index, to.count = { nameOf(hit, to.fold) }, 1, 1
end
local height, span = tree and f.height or 0, tree and f.span or 0
local limit = (not hit or cutting) and tooLong(to, names, height, span)
if limit then return done(limit) end
local count = (hit and not cutting and 0 or 1) + (tree and f.entries or 0) - (cutting and entriesOf(hit) or 0)
local made = hit and count or count + to.count - to.index
local grown = ((folder and not tree) and 0 or sizeOf(source)) - (hit and sizeOf(hit) or 0)
if made > 0 and entries + made > tonumber(ARGV[15]) then return done(fail('TOO_MANY_ENTRIES')) end
if grown > 0 and bytes + grown > tonumber(ARGV[14]) then return done(fail('SPACE_FULL', bytes)) end
if ARGV[18] == '1' then return { letter } end

local built
if tree then
  built = call('HMGET', stateKey, 'root', 'changed', 'rows', 'source')
  if not built[1] or tonumber(built[2]) ~= f.changed or tonumber(built[4]) ~= f.id then
    return fail('STALE_COPY')
  end
end
local name, range = names[to.count], 0
if cutting then
  range = select(2, cut(to))
elseif hit then
  name = nameOf(hit, to.fold)
else
  grow(to, folds, names)
end
local kept = not cutting and hit
local id = built and tonumber(built[1]) or (kept and idOf(kept)) or (grafted and idOf(source))
if not id then
  id = nextId
  nextId = nextId + 1
end
local flags = band(flagsOf(source), PROPERTIES + EXEC)
local raw
if folder then
  raw = packFolder({ flags = FOLDER + flags + (tree and band(f.flags, INDEX) or 0), id = id, size = tree and f.size or 0,
    created = now, modified = f.modified, changed = seq + 1, entries = tree and f.entries or 0,
    children = tree and f.children or 0, height = height, span = span, name = '' })
elseif grafted then
  raw = spack('>BI5', flags, id) .. ssub(source, 7, 12) .. (kept and ssub(kept, 13, 18) or ssub(source, 13, 18))
    .. ssub(source, 19, nameAt(source) - 1)
else
  local created = kept and ssub(kept, 13, 18) or spack('>I6', now)
  local type = ssub(source, band(flagsOf(source), BLOB) ~= 0 and 73 or 57, nameAt(source) - 1)
  raw = spack('>BI5', BLOB + flags, id) .. ssub(source, 7, 12) .. created .. ssub(source, 19, 24) .. ARGV[16]
    .. ssub(source, 41, 56) .. blobOf(source) .. type
  call('HINCRBY', P .. 'refs', blobOf(source), 1)
end
if not grafted and rec[12] ~= '1' then
  rec[12] = '1'
  call('HSET', KEYS[1], 'copies', '1')
end
if kept then bury(now, rec[12], kept) end
if band(flags, PROPERTIES) ~= 0 and idOf(source) ~= id then
  call(grafted and 'RENAME' or 'COPY', P .. 'p:' .. idOf(source), P .. 'p:' .. id)
end
raw = renamed(raw, name, to.fold)
to.raw = raw
link(to.frames[#to.frames], to.at, to.fold, raw)
if folder then call('HSET', P .. 'u', id, spack('>I5', to.at) .. to.fold) end
local path = pathOf(to)
journal(row(now, kept and UPDATE or CREATE, raw, path, nil, folder and ssub(ARGV[16], 1, 8) or nil))
if tree and f.entries > 0 then
  local first = seq + 1
  seq = seq + f.entries - 1
  journal(spack('>BI6', COPIED + 8, now) .. spack('>I2', #path) .. path .. spack('>I6', first) .. 'k' .. ARGV[17])
end
if tree or grafted then
  call('DEL', stateKey)
  call('ZREM', P .. 'k', ARGV[17])
  -- A step that is still on its way, its repetition done, must not begin the copy anew.
  call('SET', P .. 'o:' .. ARGV[17], 'D', 'PX', 3600000)
end
carry(to.frames, count, grown, hit and 0 or 1, height + 1,
  #name + (span > 0 and span + 1 or 0), seq)
if folder and tree then
  -- Its own etag must name the last row of the copy, like that of every folder above it.
  raw = ssub(raw, 1, 24) .. spack('>I6', seq) .. ssub(raw, 31)
  to.raw = raw
  call('HSET', node(to.at), to.fold, raw)
end
save()
local reply = described(to)
reply[6], reply[7] = hit and 1 or 0, range
return done(reply)
