-- Whoever reads a journal live looks again whether they still may: open event streams and long polls. Ids are of spaces,
-- for all who read them, and of accounts, for all they read; '*' is everybody (src/space/watcher.ts).

local WAKE_STEP, WAKE_MOST = 200, 2000

local function wake(ids)
  if #ids > WAKE_MOST then
    redis.call('SPUBLISH', ACCESS_CHANNEL, '*')
    return
  end
  for at = 1, #ids, WAKE_STEP do
    redis.call('SPUBLISH', ACCESS_CHANNEL, table.concat(ids, ' ', at, math.min(at + WAKE_STEP - 1, #ids)))
  end
end
