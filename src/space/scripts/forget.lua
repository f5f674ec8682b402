--@allow-oom
--@include keys
-- The blobs in ARGV (16 raw bytes each, up to 1,000) are gone from the store.
call('HDEL', P .. 'x', unpack(ARGV))
return 1
