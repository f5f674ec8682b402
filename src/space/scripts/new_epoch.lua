--@include keys
-- Gives the journal another epoch: whoever knows the old one starts over, at once where they wait.
-- ARGV 1 epoch (16 hex)
-- Result: 1, or 0 where the space is dead or gone
if call('HGET', KEYS[1], 'state') ~= 'live' then return 0 end
call('HSET', KEYS[1], 'epoch', ARGV[1])
call('SPUBLISH', P .. 'c', 'epoch')
return 1
