--@include space
-- Journal rows after a cursor.
-- ARGV 3 since, 4 limit
-- Result: seq, epoch, then rows as { seq, row } and pieces of ranges as { first seq, chunk, path before each };
--         the last may be { seq } alone: the range ending there must be reaped further first
local CHUNK = 256
local since, limit = tonumber(ARGV[3]), tonumber(ARGV[4])
local reply = { seq, epoch }
if since >= seq then return reply end
local rows = redis.call('XRANGE', P .. 'j', since + 1, '+', 'COUNT', limit)
local left = limit
for _, item in ipairs(rows) do
  local last, text = tonumber(string.match(item[1], '^%d+')), item[2][2]
  local change = bit.band(string.byte(text, 1), 7)
  if change < 5 then
    reply[#reply + 1] = { last, text }
    left = left - 1
  else
    local first, rows, prefix
    if change == 5 then
      first, rows, prefix = struct.unpack('>I6', text, #text - 5), last, ''
    else
      local path, at = struct.unpack('>I2c0', text, 8)
      first, rows, prefix = struct.unpack('>I6', text, at), string.sub(text, at + 6), path .. '/'
    end
    local chunk = math.floor((math.max(since + 1, first) - first) / CHUNK)
    while left > 0 and first + chunk * CHUNK <= last do
      local begins = first + chunk * CHUNK
      local piece = redis.call('HGET', P .. 't', rows .. ':' .. chunk)
      if not piece then
        reply[#reply + 1] = { last }
        return reply
      end
      reply[#reply + 1] = { begins, piece, prefix }
      left = left - (math.min(begins + CHUNK - 1, last) - math.max(begins, since + 1) + 1)
      chunk = chunk + 1
    end
  end
  if left <= 0 then break end
end
return reply
