"""Every case with its targets, in the order of the table."""

from case_counts import SMALL, InstructionsCase, SyscallsCase
from case_crowd import CrowdCase
from case_files import FilesCase
from case_handshakes import HandshakeCase
from case_heads import HeadsCase
from case_idle import IdleCase
from case_keys import KeysCase
from case_requests import SELDOM, SHARED, RequestsCase
from case_start import StartCase
from case_stream import StreamCase
from case_workers import WorkersCase
from case_worst_turn import WorstTurnCase
from figures import Target

CHAT = "/v1/chat/completions"
ONE_REPO = "/api/models/sandbox/demo/tree/main/d"
"""Of one repository: what its usage costs is shared by all."""
MANY = ("--upstream-connections", "1024")
"""As many calls at once as nginx and HAProxy may keep."""


def ratio(bound, what="CPU a request", figure="cpu_us", at_least=False):
    return Target(figure, bound, what, ratio=True, at_least=at_least)


WITH_KEYS = [ratio(1.03), ratio(1.03, "instructions a request", "instructions")]
TWO_WORKERS = [ratio(1.1), ratio(1.8, "requests/s", "per_second", at_least=True)]

CASES = [
    RequestsCase("fixed", "Fixed reply (`/-/health`)", "/-/health", [ratio(0.75)]),
    RequestsCase(
        "held", "Held answer (`/api/account`, nginx `proxy_cache`)", "/api/account", [ratio(0.5)], calls=SELDOM
    ),
    RequestsCase(
        "cached", "Cache hit (a model's metadata, nginx `proxy_cache`)", "/api/models/sandbox/kept", [ratio(0.6)],
        calls=SELDOM, flags=("--cache-memory", "64MiB"),
    ),
    RequestsCase("relayed", "Relayed, plain upstream", SMALL, [ratio(1.15)], calls=1, script="distinct.lua"),
    RequestsCase(
        "relayed-tls", "Relayed, TLS upstream", SMALL, [ratio(1.15)], calls=1, script="distinct.lua", tls=True
    ),
    RequestsCase(
        "relayed-contended", "Relayed, plain upstream, beside a neighbour bound by memory", SMALL, [ratio(1.15)],
        calls=1, script="distinct.lua", contended=True,
    ),
    RequestsCase(
        "relayed-tls-contended", "Relayed, TLS upstream, beside a neighbour bound by memory", SMALL, [ratio(1.15)],
        calls=1, script="distinct.lua", tls=True, contended=True,
    ),
    RequestsCase("post", "Relayed `POST` of 1 KB, plain upstream", CHAT, [ratio(1.3)], calls=1, script="chat.lua"),
    RequestsCase(
        "post-tls", "Relayed `POST` of 1 KB, TLS upstream", CHAT, [ratio(1.3)], calls=1, script="chat.lua", tls=True
    ),
    RequestsCase(
        "shared", "Relayed, identical requests (hubgate shares calls)", "/api/models/sandbox/demo", calls=SHARED
    ),
    RequestsCase("create", "`POST /api/repo`", "/api/repo", [ratio(1.5)], calls=1, script="create.lua"),
    RequestsCase(
        "slow-200", "200 at once, upstream of 50 ms", "/slow/", [Target("p50_ms", 53, "median latency", "ms")],
        calls=1, script="distinct.lua", connections=200, flags=MANY,
    ),
    RequestsCase(
        "slow-1000", "1,000 at once, upstream of 50 ms", "/slow/",
        [ratio(1.05, "requests/s", "per_second", at_least=True), Target("rss_mb", 60, "peak RSS", "MB")],
        calls=1, script="distinct.lua", connections=1000, flags=MANY, lengthened=2,
    ),
    HandshakeCase("handshake", "Full handshake", [ratio(0.85, "CPU a handshake")], resume=False),
    HandshakeCase("resumed", "Resumed handshake", [ratio(0.85, "CPU a handshake")], resume=True),
    StreamCase(
        "down", "1 GiB down, plain upstream",
        [ratio(0.85, "CPU a GB", "cpu_s_per_gb"), Target("peak_mib", 4, "memory over idle", "MiB")],
    ),
    StreamCase(
        "down-tls", "1 GiB down, TLS upstream",
        [ratio(0.85, "CPU a GB", "cpu_s_per_gb"), Target("peak_mib", 4, "memory over idle", "MiB")], tls=True,
    ),
    FilesCase(
        "kept", "256 MiB from the file cache, beside static files",
        [ratio(1.0, "CPU a GB", "cpu_s_per_gb"), Target("peak_mib", 4, "memory over idle", "MiB")],
    ),
    FilesCase(
        "kept-many", "The same, 16 at once",
        [ratio(1.0, "CPU a GB", "cpu_s_per_gb"), Target("peak_mib", 256, "memory over idle", "MiB")], readers=16,
    ),
    StreamCase(
        "up", "1 GiB up, plain upstream",
        [ratio(0.9, "CPU a GB", "cpu_s_per_gb"), Target("peak_mib", 4, "memory over idle", "MiB")], up=True,
    ),
    CrowdCase("crowd", "Fixed reply beside 10,000 connections that wait", "/-/health", [ratio(1.05)]),
    IdleCase("idle", "Idle TLS connections", [Target("kib_4000", 12, "memory of one of 4,000", "KiB")]),
    WorkersCase("workers-fixed", "Fixed reply, two workers against one", "/-/health", TWO_WORKERS),
    WorkersCase(
        "workers", "Relayed, two workers against one", SMALL, TWO_WORKERS, calls=1, script="distinct.lua"
    ),
    KeysCase("keys-fixed", "Fixed reply, keys against open access", "/-/health", WITH_KEYS),
    KeysCase(
        "keys-relayed", "Relayed, keys against open access", ONE_REPO, WITH_KEYS, calls=1, script="distinct.lua"
    ),
    KeysCase(
        "keys-repositories", "The same, each request for another repository", SMALL, [], calls=1, script="distinct.lua"
    ),
    InstructionsCase(
        "instructions", "Instructions a request, libcrypto left out",
        [
            Target("fixed", 40_000, "fixed"), Target("relayed", 60_000, "relayed"),
            Target("relayed_tls", 68_000, "relayed, TLS upstream"),
        ],
    ),
    HeadsCase("heads", "Instructions a relayed request, by fields and by KiB of its head"),
    SyscallsCase(
        "syscalls", "System calls a request",
        [
            Target("fixed", 3.5, "fixed"), Target("relayed", 8, "relayed"),
            Target("relayed_tls", 9.5, "relayed, TLS upstream"),
        ],
    ),
    WorstTurnCase(
        "worst-turn", "Worst-case turn of the loop", [Target("worst_ms", 5, "longest wait of another client", "ms")]
    ),
    StartCase(
        "start", "Start and size",
        [
            Target("ready_ms", 40, "start to the first response", "ms"), Target("rss_mb", 25, "RSS idle", "MB"),
            Target("binary_mb", 20, "stripped binary", "MB"), Target("image_mb", 120, "image", "MB"),
        ],
    ),
]
