#!lua flags=no-writes,allow-stale
-- The check of every node: a primary, or a replica that may become one. ARGV[1]: how many seconds ago a replica may
-- have lost its primary. One that never followed a primary, or is being copied to, lacks what was acknowledged.
local info = redis.call('info', 'replication')
local function value(key) return string.match(info, key .. ':([^\r\n]*)') end

if value('role') == 'master' or value('master_link_status') == 'up' then return 'OK' end
if value('master_sync_in_progress') ~= '0' then
    return redis.error_reply('NOTUSABLE this replica is being copied to')
end
local since = tonumber(value('master_link_down_since_seconds'))
if since < 0 then return redis.error_reply('NOTUSABLE this replica never followed its primary') end
if since > tonumber(ARGV[1]) then
    return redis.error_reply('NOTUSABLE this replica lost its primary ' .. since .. ' s ago')
end
return 'OK'
