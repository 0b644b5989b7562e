#!lua flags=no-writes,allow-stale
-- The check of the master: its server is a primary.
local role = string.match(redis.call('info', 'replication'), 'role:([^\r\n]*)')
if role == 'master' then return 'OK' end
return redis.error_reply('NOTPRIMARY this server is a replica')
