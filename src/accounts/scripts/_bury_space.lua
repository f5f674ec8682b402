-- The end of a space, as far as anybody can see.
--@include space_record
--@include sharing/unshare

-- Out of reach at once: its names are free, it no longer counts, the reaper finds it by its state.
local function bury_space(id, space)
  unshare_space(id)
  redis.call('HDEL', account_spaces_key(space.owner), space.name)
  redis.call('HDEL', SHORTNAMES, space.shortname)
  space.state = 'dying'
  write_space(id, space)
end
