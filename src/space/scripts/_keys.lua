-- KEYS[1]  {<space>}:s, the space's record; every other key of the space begins like it (src/README.md lists them).
local call = redis.call
local P = string.sub(KEYS[1], 1, -2)

-- What a script answers where it refuses; spaces.ts makes the error of it.
local function fail(code, ...) return { 'E', code, ... } end
local function node(id) return P .. 'd:' .. id end
local function indexKey(id) return P .. 'i:' .. id end
