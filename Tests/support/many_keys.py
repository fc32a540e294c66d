"""A database of many gateway keys, written as `hubgate keys create` would."""

import hashlib
import secrets
import sqlite3
import zlib

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(number, length):
    text = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        text = ALPHABET[digit] + text
    return text


def key():
    """A key, its public id, and the hash of its secret."""
    number = secrets.randbelow(62**10)
    secret = "".join(secrets.choice(ALPHABET) for _ in range(43))
    begin = f"hg_{base62(number, 10)}_{secret}"
    return begin + base62(zlib.crc32(begin.encode()), 6), number, hashlib.sha256(secret.encode()).digest()


def fill(keys, count):
    keys.run("keys", "create", "first", "--role", "reader")
    made = [key() for _ in range(count)]
    rows = [(f"team-{n}", number, digest, f"read acme/*\nwrite model:acme/team-{n % 500}-*", n + 2) for n, (_, number, digest) in enumerate(made)]
    with sqlite3.connect(keys.database) as database:
        database.executemany(
            "INSERT INTO keys (name, public_id, secret_hash, allow, deny, note, created, change) VALUES (?, ?, ?, ?, '', '', 1, ?)", rows)
        database.execute("UPDATE counters SET value = ? WHERE name = 'change'", (count + 1,))
    database.close()
    return made[count // 2][0]
