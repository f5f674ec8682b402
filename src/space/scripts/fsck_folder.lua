--@include keys
--@include entry
-- One folder at one instant, for fsck: what is said of it and what is in it. Changes nothing.
-- ARGV 1 id, 2 id of the folder it is filed in, 3 folded name, 4 most children to hand out at once
-- Result: nothing where the folder is gone; else seq, where it is filed (id, folded name), its packed entry (the root's is
--   made of the record, with the largest bounds), 1 it has an index key / 0, number of children; then, unless they are
--   more than asked for: names and entries in turn, names in the index, ids of subfolders and their ways up ('' none)
local id, at, fold = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local count = call('HLEN', node(id))
local rec = call('HMGET', KEYS[1], 'seq', 'entries', 'bytes', 'created', 'modified', 'index')
local raw
if id == 0 then
  local flags = rec[6] == '1' and FOLDER + INDEX or FOLDER
  raw = spack('>BI5I6I6I6I6I4I4BI2', flags, 0, tonumber(rec[3]), tonumber(rec[4]), tonumber(rec[5]), tonumber(rec[1]),
    tonumber(rec[2]), count, 255, 65535)
else
  local function filed(folder, where, name)
    local entry = call('HGET', node(where), name)
    return entry and #entry > 40 and isFolder(entry) and idOf(entry) == folder and entry
  end
  local function wayUp(folder)
    local up = call('HGET', P .. 'u', folder)
    if not up or #up < 6 then return nil end
    local above, behind = sunpack('>I5', up)
    return above, ssub(up, behind)
  end
  raw = filed(id, at, fold)
  if not raw then
    at, fold = wayUp(id)
    raw = at and filed(id, at, fold)
    if not raw then return {} end
  end
  -- What a recursive delete cut off, and what a copy builds, looks like a folder, but there is no way up from it to the root.
  -- Where there is no such thing, a way up that leads nowhere is just wrong.
  local up, steps = at, 0
  while up ~= 0 and steps < 256 do
    local above, name = wayUp(up)
    if not above or not filed(up, above, name) then
      if call('ZCARD', P .. 'r') + call('ZCARD', P .. 'k') > 0 then return {} end
      break
    end
    up, steps = above, steps + 1
  end
end
local reply = { tonumber(rec[1]), at, fold, raw, call('EXISTS', indexKey(id)), count }
if count > tonumber(ARGV[4]) then return reply end
local flat = call('HGETALL', node(id))
local ways = {}
for i = 2, #flat, 2 do
  if #flat[i] > 40 and isFolder(flat[i]) then
    ways[#ways + 1] = idOf(flat[i])
    ways[#ways + 1] = call('HGET', P .. 'u', idOf(flat[i])) or ''
  end
end
reply[7], reply[8], reply[9] = flat, call('ZRANGE', indexKey(id), 0, -1), ways
return reply
