--@include space
--@include entry
--@include once
--@include walk
--@include change
--@include locks
--@include cut
-- Moves or renames an entry by relinking it: the same work for a file and for a tree of a million entries.
-- ARGV 6 base, 7 folded path, 8 path of the source; 9 base, 10 folded path, 11 path of the destination;
--      12 parents '1'/'0', 13 If-Match (source), 14 If-None-Match (destination), 15 entries limit,
--      16 operation id (8 raw bytes), 17–19 '' or height, span and `changed` of the source, measured exactly,
--      20 '1' overwrite: whatever is at the destination goes, folders too
-- Result: description of the entry where it is now, path where it was, 1 replaced something / 0, seq of the range to reap or 0
-- BOUNDS id changed: by its bounds a descendant might pass a limit; measure and come again.
local folds, names = split(ARGV[10]), split(ARGV[11])
local from, err = locate(ARGV[6], split(ARGV[7]))
if not from then return done(err) end
if from.root then return done(fail('NOT_ALLOWED', 'root')) end
if not found(from) then return done(fail('NOT_FOUND', 'entry')) end
local raw, oldPath = from.raw, pathOf(from)
local broken = violated(ARGV[13], '', raw)
if broken then return done(fail('PRECONDITION_FAILED', broken)) end
local to
to, err = locate(ARGV[9], folds)
if not to then return done(err) end
if holds(raw, to) then return done(fail('INTO_ITSELF')) end
local hit = found(to) and to.raw
local same = hit and to.at == from.at and to.fold == from.fold
if to.root or (hit and not same) then
  if ARGV[14] ~= '' and (to.root or listed(ARGV[14], hit)) then
    return done(fail('PRECONDITION_FAILED', 'If-None-Match'))
  end
  if to.root or (isFolder(hit) and ARGV[20] ~= '1') then return done(fail('FOLDER_EXISTS', pathOf(to))) end
  if isFolder(raw) and ARGV[20] ~= '1' then return done(fail('TYPE_CLASH', 'file', pathOf(to))) end
  if holds(hit, from) then return done(fail('INTO_ITSELF', 'held')) end
end
if to.raw and not hit then return done(fail('TYPE_CLASH', 'file', pathOf(to))) end
if not hit and to.index < to.count and ARGV[12] == '0' then return done(fail('NO_PARENT')) end
local replaced = hit and not same
local bound = lockOn(from, true, true) or lockOn(to, not same, replaced and isFolder(hit))
if bound then return done(bound) end
local made = hit and 0 or to.count - to.index
if made > 0 and entries + made > tonumber(ARGV[15]) then return done(fail('TOO_MANY_ENTRIES')) end

-- Addressed by base alone, the destination is an entry that exists and keeps its name.
local name = to.count > 0 and names[to.count] or nameOf(to.raw, to.fold)
if to.count == 0 then
  names, to.index, to.count = { name }, 1, 1
end
local height, span = 0, 0
if isFolder(raw) then
  local f = unpackFolder(raw)
  height, span = f.height, f.span
  if ARGV[17] ~= '' and tonumber(ARGV[19]) == f.changed then
    height, span = tonumber(ARGV[17]), tonumber(ARGV[18])
    f.height, f.span = height, span
    raw = packFolder(f)
  elseif tooLong(to, names, height, span) and not tooLong(to, names, 0, 0) then
    return fail('BOUNDS', idOf(raw), f.changed)
  end
end
local limit = tooLong(to, names, height, span)
if limit then return done(limit) end

local reply
if same and nameOf(raw, from.fold) == name then
  reply = described(from)
  reply[6], reply[7], reply[8] = oldPath, 0, 0
  return done(reply)
end

unlock(raw)
unlink(from.frames[#from.frames], from.at, from.fold)
local count, size = entriesOf(raw), sizeOf(raw)
-- Upwards from where it was; both ways share their upper folders, so those below are read again.
carry(from.frames, -count, -size, -1, 0, 0, seq + made + (replaced and entriesOf(hit) or 0) + 1)
for _, frame in ipairs(to.frames) do frame.raw = call('HGET', node(frame.at), frame.fold) end
if not hit then grow(to, folds, names) end
local parent = to.frames[#to.frames]
local range = 0
if replaced then
  local gone
  gone, range = cut(to)
  count, size = count - gone, size - sizeOf(hit)
end
raw = renamed(raw, name, to.fold)
if isFolder(raw) then
  local f = unpackFolder(raw)
  f.changed = seq + 1
  raw = packFolder(f)
  call('HSET', P .. 'u', f.id, spack('>I5', to.at) .. to.fold)
end
to.raw = raw
link(parent, to.at, to.fold, raw)
journal(row(now, MOVE, raw, pathOf(to), oldPath, ARGV[16]))
carry(to.frames, count, size, replaced and 0 or 1, height + 1, #name + (span > 0 and span + 1 or 0))
save()
reply = described(to)
reply[6], reply[7], reply[8] = oldPath, replaced and 1 or 0, range
return done(reply)
