-- One journal row, as journal.ts reads it: head 1 (change | 8 folder | 16 op id), time 6, [op id 8],
-- [file: etag 16, size 6], path length 2, path, old path (moves). A range of tombstones ends with its
-- first seq, 6; one of a copied tree with its first seq, 6, and where its rows are in t.
local CREATE, UPDATE, MOVE, DELETE, RANGE, COPIED = 1, 2, 3, 4, 5, 6
local function row(now, change, raw, path, old, op)
  local head = change
  local body = ''
  if isFolder(raw) then head = head + 8 else body = ssub(raw, 25, 40) .. ssub(raw, 7, 12) end
  if op then head = head + 16 end
  return spack('>BI6', head, now) .. (op or '') .. body .. spack('>I2', #path) .. path .. (old or '')
end
