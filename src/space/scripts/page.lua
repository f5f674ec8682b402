--@include space
--@include entry
--@include walk
--@include page
-- A page of the folder with a known id, wherever it is. A step of a walk over a large tree.
-- ARGV 3 node id, 4 most entries, 5 '' or the folded name after which the page begins
-- Result: as `pageOf` in _page.lua
local ordered, page = pageOf(tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5])
return { ordered, page }
