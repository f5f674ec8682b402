--@allow-oom
--@include keys
--@include entry
--@include row
--@include order
--@include free
-- One step of taking apart what a recursive delete cut off: writes the next chunk of its tombstones and, in the same
-- stroke, frees the entries they stand for. Always in the same order (children by folded name, then their folder),
-- so that it does not matter who makes a chunk, and when.
-- ARGV 1 last seq of the range ('root' for a deleted space, 'copy:<id>' for an abandoned copy), or '' for whichever waits longest
-- Result: the range, 1 more to do / 0 done; or nothing where there is nothing to do
local CHUNK = 256
local last = ARGV[1]
if last == '' then last = call('ZRANGE', P .. 'r', 0, 0)[1] end
if not last then return {} end
local stateKey = P .. 'r:' .. last
local state = call('HMGET', stateKey, 'first', 'next', 'time', 'prefix', 'stack')
if not state[1] then return {} end
local first, nextSeq, now, silent = tonumber(state[1]), tonumber(state[2]), tonumber(state[3]), not tonumber(last)
local stack = cmsgpack.unpack(state[5])
local paths = { [0] = state[4] }
for i, level in ipairs(stack) do paths[i] = paths[i - 1] .. nameOf(level[3], level[2]) .. '/' end

local counted = call('EXISTS', P .. 'refs') == 1
local rows, budget = {}, CHUNK
local function emit(raw, path)
  bury(now, counted, raw)
  if not silent then
    local text = row(now, DELETE, raw, path)
    rows[#rows + 1] = spack('>I2', #text) .. text
  end
  budget = budget - 1
end
-- Names read at a time: a folder is gone into at once, and what was read behind it is read again; so few where folders
-- come, and more where files do.
local FEW = 4
local reach = FEW
while budget > 0 and #stack > 0 do
  local level = stack[#stack]
  local id = level[1]
  if call('EXISTS', indexKey(id)) == 0 and call('EXISTS', node(id)) == 1 then order(id) end
  local folds = call('ZRANGEBYLEX', indexKey(id), '-', '+', 'LIMIT', 0, math.min(reach, budget))
  if #folds == 0 then
    emit(level[3], ssub(paths[#stack], 1, -2))
    call('HDEL', P .. 'u', id)
    stack[#stack] = nil
    local above = stack[#stack]
    if above then
      call('HDEL', node(above[1]), level[2])
      call('ZREM', indexKey(above[1]), level[2])
    end
  else
    local raws, gone = call('HMGET', node(id), unpack(folds)), {}
    reach = math.min(2 * reach, CHUNK)
    for i, fold in ipairs(folds) do
      local raw = raws[i]
      if isFolder(raw) then
        stack[#stack + 1] = { idOf(raw), fold, raw }
        paths[#stack] = paths[#stack - 1] .. nameOf(raw, fold) .. '/'
        reach = FEW
        break
      end
      emit(raw, paths[#stack] .. nameOf(raw, fold))
      gone[#gone + 1] = fold
    end
    if #gone > 0 then
      call('HDEL', node(id), unpack(gone))
      call('ZREM', indexKey(id), unpack(gone))
    end
  end
end

if #rows > 0 then
  call('HSET', P .. 't', last .. ':' .. (nextSeq - first) / CHUNK, table.concat(rows))
  nextSeq = nextSeq + #rows
end
if #stack == 0 then
  call('DEL', stateKey)
  call('ZREM', P .. 'r', last)
  return { last, 0 }
end
call('HSET', stateKey, 'next', nextSeq, 'stack', cmsgpack.pack(stack))
return { last, 1 }
