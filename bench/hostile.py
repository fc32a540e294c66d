"""The largest input of each kind that the limits let in, made to be slow to read: what clients send and what a Hub answers."""

MEGABYTE = 1 << 20
LIST = 60_000
"""Bytes of one field: below `head_limit`, and below what is taken of the Hub."""


DOWNLOADS = 64
"""At once, of one file of `DOWNLOAD_BYTES` below this path."""
DOWNLOAD_PATH = "/acme/m/resolve/main/long"
DOWNLOAD_BYTES = 16 * MEGABYTE


def filled(piece, size):
    """`piece` as often as it fits into `size` bytes."""
    return piece * (size // len(piece))


def array(element, size):
    return "[" + filled(element + ",", size - 3) + "1]"


def members(count):
    return "{" + ",".join(f'"member_{number}":{number}' for number in range(count)) + "}"


ORDERS = {
    "order, deep": "[" * MEGABYTE,
    "order, objects in objects": filled('{"a":', MEGABYTE),
    "order, many members": members(55_000),
    "order, many numbers": array("1e5", MEGABYTE),
    "order, spaces": " " * MEGABYTE,
    "order, escapes": '{"name":"' + filled("\\u00e9", 200_000) + '"}',
}
"""Bodies of `POST /api/repo`."""

FIELDS = {
    "Connection, 30,000 members": [("Connection", filled("a,", LIST))],
    "Accept, 30,000 members": [("Accept", filled("a,", LIST))],
    "Cache-Control, empty members": [("Cache-Control", "," * LIST)],
    "Cookie": [("Cookie", filled("a=b; ", LIST))],
    "Authorization, blanks": [("Authorization", "Bearer" + " a" * (LIST // 2))],
    "95 fields, 60 kB": [(f"X-Field-{number}", "a" * (LIST // 95 - 20)) for number in range(95)],
    "Connection names 90 fields": [("Connection", filled("a,", LIST // 2) + ",".join(f"X-{n}" for n in range(90)))]
    + [(f"X-{number}", "a" * 250) for number in range(90)],
}
"""Fields of `GET /api/models/…`."""

TARGETS = {
    "query, escapes": "/api/models/x?" + filled("%41=b&", 8000),
    "query, one long name": "/api/models/x?" + filled("toketoke", 8000) + "=x",
    "path, slashes": "/api/" + "a/" * 3900,
    "path, encoded dots": "/-/signed/b1.AAAA/AAAA/" + filled("%2e/", 7900),
    "signed path": "/-/signed/r1." + "A" * 43 + "/" + "A" * 7900,
}

ACCOUNT = members(4_000)
"""`GET /api/whoami-v2`, near both of its limits."""


XET_LINK = '<https://cas-server.xethub.hf.co/v1/a>;rel="xet-reconstruction-info",'


def answers(hub):
    """Of the Hub to `GET /api/models/NAME`: name, field lines, body. `hub` is its address."""
    size = 8 * MEGABYTE
    model = '{"id":"acme/name-of-a-model","likes":12,"private":false,"tags":["a","b","license:mit"],"sha":"0123456789abcdef"}'
    escaped = hub.replace("/", "\\/")
    return [
        ("models", "8 MiB of models", [], array(model, size)),
        ("urls", "8 MiB of URLs of the Hub", [], array(f'"{hub}/a"', size)),
        ("escaped", "8 MiB of URLs, escaped", [], array(f'"{escaped}\\/a\\u002fb"', size)),
        ("store", "8 MiB of URLs of a store", [], array('"https://cdn.hf.co/a"', size)),
        ("nearly", "8 MiB of what is nearly a URL", [], array('"https:"', size)),
        ("backslashes", "8 MiB of escapes", [], array('"\\\\\\n\\t\\r\\n\\t\\r\\n"', size)),
        ("deep", "8 MiB of objects in objects", [], filled('{"a":{"b":{"c":{}}}},', size)),
        ("link", "Link, 20,000 links", [("Link", filled("<>,", LIST))], "{}"),
        ("rel", "Link, many relations", [("Link", "<a>;rel=\"" + filled("a ", 16_000) + "\"")], "{}"),
        ("words", "Link, 30,000 relations", [("Link", "<a>;rel=\"" + filled("a ", LIST) + "\"")], "{}"),
        ("brackets", "Link, 60,000 brackets", [("Link", "<" * LIST)], "{}"),
        ("fields", "Link, 30 fields of 499 links", [("Link", filled("<a>,", 1996))] * 30, "{}"),
        ("xet", "Link, 99 to Xet's server", [("Link", filled(XET_LINK, 99 * len(XET_LINK)))], "{}"),
        ("refresh", "Refresh, 60 kB", [("Refresh", "0;" + filled("url=", LIST))], "{}"),
        ("location", "Location, 60 kB", [("Location", hub + "/" + "a" * LIST)], "{}"),
        ("host", "Location, a host of 60 kB", [("Location", "https://" + filled("%41", LIST))], "{}"),
    ]
