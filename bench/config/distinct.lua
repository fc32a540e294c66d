-- No two requests of a run have the same target, so that no server can answer two with one call.
local number = 0
local before, after

function init()
    before = "GET " .. wrk.path
    after = " HTTP/1.1\r\n"
    for name, value in pairs(wrk.headers) do
        after = after .. name .. ": " .. value .. "\r\n"
    end
    after = after .. "\r\n"
end

function request()
    number = number + 1
    return before .. number .. after
end
