--@include space
--@include entry
--@include walk
--@include find
--@include locks
--@include page
-- One entry and, if asked, a page of what is in it.
-- ARGV 3 base, 4 folded path, 5 '' no page / most entries of a page, 6 '' or the folded name after which the page begins
-- Result: description; then, for a folder whose page was asked for, the two of `pageOf` in _page.lua; then, where the space has
--         locks, these: token, packed lock, path
local reply
if ARGV[3] == '' and ARGV[4] ~= '' then
  local raw, path = find(ARGV[4])
  if not raw then return path end
  reply = { letter, seq, epoch, path, raw }
else
  local place, err = locate(ARGV[3], split(ARGV[4]))
  if not place then return err end
  if not place.root and not found(place) then return fail('NOT_FOUND', 'entry') end
  reply = described(place)
end
if ARGV[5] ~= '' and isFolder(reply[5]) then
  local ordered, page = pageOf(idOf(reply[5]), tonumber(ARGV[5]), ARGV[6])
  reply[6], reply[7] = ordered, page
end
if (rec[11] or '0') ~= '0' then
  reply[6], reply[7] = reply[6] or 0, reply[7] or {}
  local time = call('TIME')
  reply[8] = describedLocks(time[1] * 1000 + math.floor(time[2] / 1000))
end
return reply
