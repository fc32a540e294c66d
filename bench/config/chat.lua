-- POST of 1 KB, as an inference client asks a model.
local request_bytes

function init()
    local body = '{"model":"acme/model","messages":[{"role":"user","content":"' .. string.rep("x", 960) .. '"}]}'
    request_bytes = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"]
        .. "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function request()
    return request_bytes
end
