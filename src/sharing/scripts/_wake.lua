-- Who waits for the journals of these spaces looks again whether they still may: open streams and long polls. Messages
-- are space ids separated by spaces, or '*' for all (src/space/watcher.ts).

local WAKE_STEP, WAKE_MOST = 200, 2000

local function wake_all()
  redis.call('SPUBLISH', ACCESS_CHANNEL, '*')
end

local function wake_spaces(ids)
  if #ids > WAKE_MOST then
    wake_all()
    return
  end
  for at = 1, #ids, WAKE_STEP do
    local last = math.min(at + WAKE_STEP - 1, #ids)
    redis.call('SPUBLISH', ACCESS_CHANNEL, table.concat(ids, ' ', at, last))
  end
end
