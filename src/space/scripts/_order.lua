-- Large folders have an ordered index beside their hash, so that they can be read in bounded steps.
local function order(id)
  local folds = call('HKEYS', node(id))
  for at = 1, #folds, 1000 do
    local args = {}
    for i = at, math.min(at + 1000 - 1, #folds) do
      args[#args + 1] = 0
      args[#args + 1] = folds[i]
    end
    call('ZADD', indexKey(id), unpack(args))
  end
end
