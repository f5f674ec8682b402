--@allow-oom
--@include keys
--@include range
-- Rows of the journal are in a blob now: notes where, and takes them from the stream and from t, in one step. A range that
-- ends later keeps its row; its chunks go as far as they are sealed.
-- ARGV 1 first seq, 2 last seq, 3 blob (hex), 4 time of the last row (ms)
-- Result: 1, or 0 where somebody else was faster, the blob has been claimed meanwhile, or the space is gone
local CHUNK = 256
local first, last = tonumber(ARGV[1]), tonumber(ARGV[2])
if call('HGET', KEYS[1], 'state') ~= 'live' or call('EXISTS', P .. 'o:' .. ARGV[3]) == 1 then return 0 end
local newest = call('ZREVRANGE', P .. 'g', 0, 0, 'WITHSCORES')
if (tonumber(newest[2]) or 0) ~= first - 1 then return 0 end
local rows = call('XRANGE', P .. 'j', '-', last)
rows[#rows + 1] = call('XRANGE', P .. 'j', last + 1, '+', 'COUNT', 1)[1]
for _, item in ipairs(rows) do
  local id = tonumber(string.match(item[1], '^%d+'))
  local begins, name = rangeOf(id, item[2][2])
  if begins then
    local chunk, gone = math.floor((math.max(first, begins) - begins) / CHUNK), {}
    while begins + chunk * CHUNK <= id and math.min(begins + (chunk + 1) * CHUNK - 1, id) <= last do
      gone[#gone + 1] = name .. ':' .. chunk
      chunk = chunk + 1
    end
    if #gone > 0 then call('HDEL', P .. 't', unpack(gone)) end
  end
end
call('ZADD', P .. 'g', last, ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
call('XTRIM', P .. 'j', 'MINID', last + 1)
return 1
