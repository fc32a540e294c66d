-- POST /api/repo with a name of its own each.
local number = 0
local head

function init()
    head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"]
        .. "\r\nContent-Type: application/json\r\nContent-Length: "
end

function request()
    number = number + 1
    local body = '{"type":"model","name":"demo-' .. number .. '","private":true}'
    return head .. #body .. "\r\n\r\n" .. body
end
