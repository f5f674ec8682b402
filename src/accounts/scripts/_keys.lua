-- Every key of the account slot. Hash fields and packed values are listed here and nowhere else.

local NAMES = '{acct}:names' -- hash: account name -> account id
local EMAILS = '{acct}:emails' -- hash: e-mail in lower case -> account id
local PASSWORDS = '{acct}:passwords' -- hash: account id -> encoded password hash
local TOKENS = '{acct}:tokens' -- hash: SHA-256 of a token (hex) -> "<account id> <token id> <token name>"
local SPACES = '{acct}:spaces' -- hash: space id -> see _space_record
local SHORTNAMES = '{acct}:shortnames' -- hash: shortname -> space id
local INVITATIONS = '{acct}:invitations' -- hash: SHA-256 of an invitation's token (hex) -> invitation id
-- '{acct}:failovers', hash: mark of a fail-over -> when it was heeded (ms); src/failovers.ts
-- '{acct}:v', string: the version of all this; src/accounts/keys.ts
local ACCESS_CHANNEL = '{acct}:c' -- channel: see sharing/_wake; src/space/keys.ts names it too

-- hash: name, email, folded_email, plan, spaces ('1' with the early-access flag), public ('1' or '0'), created (ms)
local function account_key(id)
  return '{acct}:a:' .. id
end

-- hash: token name -> "<token id> <created ms> <SHA-256 hex> <description>"
local function account_tokens_key(id)
  return '{acct}:at:' .. id
end

-- hash: space name -> space id; holds what counts against the plan
local function account_spaces_key(id)
  return '{acct}:as:' .. id
end

-- hash: profile file -> "<modified ms> <text>"
local function account_profile_key(id)
  return '{acct}:ap:' .. id
end

-- string: when the bucket of failed attempts is empty again (ms); expires then
local function throttle_key(bucket)
  return '{acct}:throttle:' .. bucket
end

-- hash: holder, ends (ms), number (of the last taking)
local function lease_key(name)
  return '{acct}:lease:' .. name
end

-- A group is a user's (kind '@'), an organisation's (kind '~'), or an organisation itself (kind '+').
-- hash: kind, scope, name, created (ms)
local function group_key(id)
  return '{acct}:g:' .. id
end

-- hash: name -> group id; scope: id of the owning account or organisation, '+' for organisations
local function group_names_key(scope)
  return '{acct}:gn:' .. scope
end

-- hash: account id -> "<role f|a|s|m> <a accepted | i invited> <since ms>"
local function group_members_key(id)
  return '{acct}:gm:' .. id
end

-- hash: profile file -> "<modified ms> <text>"
local function group_profile_key(id)
  return '{acct}:gp:' .. id
end

-- set: ids of the spaces shared with the group
local function group_shares_key(id)
  return '{acct}:gs:' .. id
end

-- set: ids of the groups and organisations whose member the account is
local function account_groups_key(id)
  return '{acct}:ag:' .. id
end

-- set: ids of the groups and organisations that wait for the account's answer
local function account_invites_key(id)
  return '{acct}:an:' .. id
end

-- hash: group id or 'public' -> "<created ms> <letters as they were put>"
local function space_grants_key(id)
  return '{acct}:sg:' .. id
end

-- set: ids of the groups that may read the space
local function space_readers_key(id)
  return '{acct}:sr:' .. id
end

-- set: ids of the groups that may also write
local function space_writers_key(id)
  return '{acct}:sw:' .. id
end

-- set: ids of the invitations to this very space
local function space_invitations_key(id)
  return '{acct}:si:' .. id
end

-- set: ids of the accounts that tagged the space
local function space_taggers_key(id)
  return '{acct}:sa:' .. id
end

-- hash: tag -> created (ms), of one account on one space
local function space_tags_key(id, account)
  return '{acct}:st:' .. id .. ':' .. account
end

-- sorted set, scores 0: "<tag> <space id>" of what the account tagged
local function account_tags_key(id)
  return '{acct}:au:' .. id
end

-- hash: owner, target ("s <space id>" or "t <owner id> <tag>"), tag (as it was asked for), email, folded_email,
-- permission (r or w), token (SHA-256 in hex), created (ms), expires (ms or ''), accepted (account id or '')
local function invitation_key(id)
  return '{acct}:i:' .. id
end

-- hash: "<target> <e-mail in lower case>" -> id of the account's invitation to it
local function account_invitations_key(id)
  return '{acct}:ai:' .. id
end

-- hash: target -> ids of the invitations that the account accepted, separated by spaces
local function account_joined_key(id)
  return '{acct}:aj:' .. id
end

-- set: ids of the invitations to an address
local function email_invitations_key(folded)
  return '{acct}:ei:' .. folded
end
