--@include space
--@include range
-- Journal rows after a cursor.
-- ARGV 3 since, 4 limit
-- Result: seq, epoch, then rows as { seq, row } and pieces of ranges as { first seq, chunk, path before each };
--         the last may be { seq } alone: the range ending there must be reaped further first;
--         or only { 'S', segment }: the next rows are sealed (segments.ts)
local CHUNK = 256
local since, limit = tonumber(ARGV[3]), tonumber(ARGV[4])
local reply = { seq, epoch }
if since >= seq then return reply end
-- What is sealed is older than all that is not, so it is missed at the beginning only.
local function sealed()
  local segment = call('ZRANGEBYSCORE', P .. 'g', since + 1, '+inf', 'LIMIT', 0, 1)[1]
  if not segment then return false end
  reply[3] = { 'S', segment }
  return true
end
local rows = redis.call('XRANGE', P .. 'j', since + 1, '+', 'COUNT', limit)
local left = limit
for i, item in ipairs(rows) do
  local last, text = tonumber(string.match(item[1], '^%d+')), item[2][2]
  local first, name, prefix = rangeOf(last, text)
  if i == 1 and (first or last) > since + 1 and sealed() then return reply end
  if not first then
    reply[#reply + 1] = { last, text }
    left = left - 1
  else
    local chunk = math.floor((math.max(since + 1, first) - first) / CHUNK)
    while left > 0 and first + chunk * CHUNK <= last do
      local begins = first + chunk * CHUNK
      local piece = redis.call('HGET', P .. 't', name .. ':' .. chunk)
      if not piece then
        if #reply == 2 and sealed() then return reply end
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
