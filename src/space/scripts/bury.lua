--@allow-oom
--@include keys
-- Removes the last keys of a dead space whose entries are reaped and whose blobs are gone.
-- Result: 1 buried / 0 not yet
if call('HGET', KEYS[1], 'state') == 'live' then return 0 end
if call('ZCARD', P .. 'r') > 0 or call('LLEN', P .. 'f') > 0 or call('HLEN', P .. 'x') > 0 or
  call('ZCARD', P .. 'k') > 0 then return 0 end
call('UNLINK', P .. 'u', P .. 'j', P .. 't', P .. 'm', KEYS[1])
return 1
