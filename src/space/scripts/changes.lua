--@include space
-- Journal rows after a cursor.
-- ARGV 3 since, 4 limit
-- Result: seq, epoch, then rows as { seq, row } and pieces of reaped ranges as { first seq, chunk, 1 };
--         the last may be { seq } alone: the range ending there must be reaped further first
local CHUNK = 256
local since, limit = tonumber(ARGV[3]), tonumber(ARGV[4])
local reply = { seq, epoch }
if since >= seq then return reply end
local rows = redis.call('XRANGE', P .. 'j', since + 1, '+', 'COUNT', limit)
local left = limit
for _, item in ipairs(rows) do
  local last, text = tonumber(string.match(item[1], '^%d+')), item[2][2]
  if bit.band(string.byte(text, 1), 7) ~= 5 then
    reply[#reply + 1] = { last, text }
    left = left - 1
  else
    local first = struct.unpack('>I6', text, #text - 5)
    local chunk = math.floor((math.max(since + 1, first) - first) / CHUNK)
    while left > 0 and first + chunk * CHUNK <= last do
      local begins = first + chunk * CHUNK
      local piece = redis.call('HGET', P .. 't', last .. ':' .. chunk)
      if not piece then
        reply[#reply + 1] = { last }
        return reply
      end
      reply[#reply + 1] = { begins, piece, 1 }
      left = left - (math.min(begins + CHUNK - 1, last) - math.max(begins, since + 1) + 1)
      chunk = chunk + 1
    end
  end
  if left <= 0 then break end
end
return reply
