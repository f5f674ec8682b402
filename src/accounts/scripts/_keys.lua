-- Every key of the account slot. Hash fields and packed values are listed here and nowhere else.

local NAMES = '{acct}:names' -- hash: account name -> account id
local EMAILS = '{acct}:emails' -- hash: e-mail in lower case -> account id
local PASSWORDS = '{acct}:passwords' -- hash: account id -> encoded password hash
local TOKENS = '{acct}:tokens' -- hash: SHA-256 of a token (hex) -> "<account id> <token id> <token name>"
local SPACES = '{acct}:spaces' -- hash: space id -> see _space_record
local SHORTNAMES = '{acct}:shortnames' -- hash: shortname -> space id

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

-- string: the account's accepted memberships as principals, separated by spaces
local function account_groups_key(id)
  return '{acct}:ag:' .. id
end

-- hash: profile file -> "<modified ms> <text>"
local function account_profile_key(id)
  return '{acct}:ap:' .. id
end

-- string: when the bucket of failed attempts is empty again (ms); expires then
local function throttle_key(bucket)
  return '{acct}:throttle:' .. bucket
end
