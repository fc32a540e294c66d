"""The pages Budget, Usage and Cache of the console in headless Chromium: their figures are the gateway's, and a stranger's text stays text."""

import json
import sqlite3
import threading

import pytest

from admin import Admin
from cached import MODEL, ON, figures
from consoles import EVIL
from fakehub import http
from limited import Crowd
from policy import JSON, request
from rate_limits import Told, limits
from stored_files import PIECE, digest
from test_metrics import Page
from waiting import wait_until

CLOSE = b"Connection: close"
CHAT = "/v1/chat/completions"
ESCAPED = "%3Cimg%20src=x%20onerror=%22window.evil=1%22%3E"


@pytest.fixture
def begin(start_before, hub, store, keys, tmp_path):
    """A gateway that keeps responses and files, with two workers."""
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    keys.root = keys.create("root", "--role", "admin")

    def begin(*flags, **options):
        return start_before(
            hub, "--access", "keys", "--workers", "2", "--state-dir", str(keys.state), "--content-hosts", store.url,
            "--inference-upstream", hub.url, *flags, **options)  # fmt: skip

    return begin


def ask(gate, key, path, method="GET", body=b"", *fields):
    return gate.ask(request(key, method, path, body, CLOSE, *fields), 30)


def tiles(console):
    """Value and note of each tile that is shown, by its title; those of files after those of memory."""
    return console.run("return [...document.querySelectorAll('.tile')].filter(visible).map(one => [one.querySelector('h2').textContent, one.querySelector('.value').textContent, one.querySelector('.note').textContent]);")


def cells(console, row):
    """The texts of a table's row, by the titles of its columns."""
    return console.run(f"const row = document.querySelector({json.dumps(row)}); return row && Object.fromEntries([...row.cells].map(cell => [cell.dataset.label, cell.textContent]));")


def test_the_budget_page_shows_what_is_left_and_who_spends_and_waits(begin, hub, keys, open_console):
    greedy, other = keys.create("greedy-team"), keys.create("other-team")
    told = Told(hub)
    gate = begin("--coalesce=off", "--budget-wait", "55s")
    console = open_console(gate, keys.root)
    console.go("Budget")
    console.wait_for_text("The Hub has told of no rate limit yet")
    for number in range(11):
        told.fields = limits(60 if number < 10 else 0, 50, 100, 300)
        assert ask(gate, other if number in (3, 6) else greedy, MODEL).status == 200

    def same():
        page = Page(gate)
        card = console.run("const card = document.querySelector('section[data-bucket=api]'); return card && [card.dataset.left, card.dataset.limit, card.innerText];")
        if not card or dict((title, value) for title, value, _ in tiles(console))["Wait for their turn"] != f"{page('budget_waiting'):.0f}":
            return None
        return card if [float(one) for one in card[:2]] == [page("budget_left", bucket="api"), page("budget_limit", bucket="api")] and page("budget_waiting") == 3 else None

    with gate.connect() as first, gate.connect() as second, gate.connect() as third:
        for connection in (first, second, third):
            connection.send(request(other, "GET", MODEL, b"", CLOSE))
        card = wait_until(same, 10)
        assert card and card[:2] == ["0", "100"] and "of the gateway’s token" in card[2] and "short: calls take turns, and 1 key waits" in card[2], console.text
        assert cells(console, "tr[data-key=greedy-team]")["Calls"] == "8" and cells(console, "tr[data-key=greedy-team]")["Part"] == "80 %"
        assert cells(console, "tr[data-key=other-team]")["Waits"] == "waits"

    def spent():
        shown, page = {title: value for title, value, _ in tiles(console)}, Page(gate)
        waited = sum(page("budget_waits_total", result=result) for result in ("given", "refused", "left"))
        return shown["Had to wait"] == f"{waited:.0f}" and waited == 3 and shown["Calls spared"] == f"{page('cache_saved_calls_total'):.0f}"

    assert wait_until(spent, 10), (tiles(console), Page(gate).text)


def test_usage_and_cache_show_under_load_what_the_command_and_the_metrics_do(begin, hub, keys, store, open_console, tmp_path):
    one, two = keys.create("one"), keys.create("two", "--role", "maintainer", "--allow", "infer *")
    content = store.put("model.bin", PIECE // 4)
    gate = begin("--cache-dir", str(tmp_path / "cache"), **ON)
    hub.on(CHAT, lambda *_: http(200, b'{"model":"acme/llama","usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}', JSON))
    console = open_console(gate, keys.root)
    console.go("Usage")
    crowds = [Crowd(gate, one, 4, 40).start(), Crowd(gate, two, 2, 30, "POST", MODEL + "/commit/main", b"{}").start()]
    chat = json.dumps({"model": "acme/llama", "messages": []}).encode()
    for _ in range(3):
        assert ask(gate, two, CHAT, "POST", chat).status == 200
        assert ask(gate, one, "/acme/m/resolve/main/model.bin").body == content
    for crowd in crowds:
        assert crowd.join().lost == 0

    def rows(by):
        return json.loads(keys.run("usage", "--by", by, "--json", "--since", "6d", "--limit", "200").stdout)

    def found():
        lines = {row["key"]: row for row in rows("key")}
        return lines if lines.get("one", {}).get("requests", 0) >= 163 and lines.get("two", {}).get("requests", 0) >= 63 else None

    assert wait_until(found, 10), rows("key")
    for label, by in (("key", "key"), ("repo", "repo"), ("model", "model"), ("day", "day")):
        console.fill("By", label)

        def same(by=by):
            shown = console.run("return [...document.querySelectorAll('tr[data-name]')].map(row => [row.dataset.name, Number(row.dataset.requests), ...[...row.cells].slice(3, 5).map(cell => cell.textContent), row.cells[8].textContent]);")
            wanted = [[row[by], row["requests"], f"{row['errors']:,}", f"{row['upstream_calls']:,}", f"{row['tokens_out']:,}"] for row in rows(by)]
            # Of the administrator's own requests there are always more.
            return [row for row in shown if row[0] != "root"] == [row for row in wanted if row[0] != "root"] and bool(wanted)

        assert wait_until(same, 10), (by, rows(by), console.text)
    console.fill("Only of the key", "nobody")
    console.press("Show")
    console.wait_for_text("no such key")

    console.go("Cache")

    def kept():
        page, files = figures(gate), figures(gate, "hubgate_file_cache")
        # The first four are of the memory, the others of the disk.
        shown = [(value, note) for _, value, note in tiles(console)]
        if len(shown) != 8:
            return None
        memory, disk = shown[:4], shown[4:]
        spared = sum(page[f'hubgate_cache_requests_total{{result="{name}"}}'] for name in ("hit", "stale", "stand_in", "collapsed"))
        wanted = spared + sum(page[f'hubgate_cache_requests_total{{result="{name}"}}'] for name in ("miss", "validated"))
        hits = files['hubgate_file_cache_requests_total{result="hit"}']
        return (
            memory[0] == (f"{100 * spared / wanted:.0f} %", f"{spared:,.0f} of {wanted:,.0f} requests")
            and memory[1][0] == f"{page['hubgate_cache_saved_calls_total']:,.0f}" and memory[2][0] == f"{page['hubgate_cache_responses']:,.0f}"
            and disk[0][1].startswith(f"{hits:.0f} of 3 ") and hits == 2 and disk[1][0] == "1" and spared > 100
        )  # fmt: skip

    assert wait_until(kept, 15), (tiles(console), figures(gate), figures(gate, "hubgate_file_cache"))
    per_worker = [cells(console, f"tr[data-worker='{number}']") for number in (1, 2)]
    assert sum(int(row["hit"].replace(",", "")) for row in per_worker) == figures(gate)['hubgate_cache_requests_total{result="hit"}']
    [row] = Admin(gate, keys.root)("GET", "/cache/files")["files"]
    assert cells(console, f"tr[data-file='{digest(content)}']")["Size"] == "1.0 MiB" and cells(console, "tr[data-file]")["Hits"] == str(row["hits"])


def test_a_repository_is_purged_and_a_file_removed_after_a_question(begin, hub, keys, store, open_console, tmp_path):
    key = keys.create("one")
    hub.on(MODEL, lambda *_: http(200, b'{"id":"acme/m"}', JSON))
    content = store.put("model.bin", 1000)
    gate = begin("--cache-dir", str(tmp_path / "cache"), **ON)
    assert ask(gate, key, "/acme/m/resolve/main/model.bin").body == content
    assert wait_until(lambda: all("hit" in ask(gate, key, MODEL)["Cache-Status"] for _ in range(12)), 10)
    asked = len(hub.requests)
    console = open_console(gate, keys.root)
    console.go("Cache")
    console.fill("Purge a repository", "acme")
    console.press("Purge")
    console.wait_for_text("Name a repository as owner/name.")
    console.fill("Purge a repository", "acme/m")
    console.press("Purge")
    console.press("Leave it")
    assert all("hit" in ask(gate, key, MODEL)["Cache-Status"] for _ in range(6)) and len(hub.requests) == asked
    console.press("Purge")
    console.press("Purge it")
    console.wait("!document.querySelector('dialog')")
    assert "hit" not in ask(gate, key, MODEL)["Cache-Status"] and len(hub.requests) > asked
    console.press("Purge all")
    console.press("Purge it")
    console.wait("!document.querySelector('dialog')")
    console.press("Remove " + digest(content))
    console.press("Remove it")
    console.wait(f"!document.querySelector(\"tr[data-file='{digest(content)}']\")")
    assert Admin(gate, keys.root)("GET", "/cache/files")["files"] == []
    console.go("Audit")
    console.fill("Action", "cache-purge")
    console.press("Search")
    console.wait("[...document.querySelectorAll('tbody tr')].length === 2 && document.body.innerText.includes('acme/m')")


def test_where_no_files_are_kept_the_page_says_how_to_turn_it_on(begin, keys, open_console):
    console = open_console(begin("--cache-memory=off"), keys.root)
    console.go("Cache")
    console.wait_for_text("cache_dir: /var/cache/hubgate")
    console.wait_for_text("No response is kept")
    assert not console.run("return [...document.querySelectorAll('button')].some(one => visible(one) && one.textContent === 'Remove');")


def test_a_strangers_text_stays_text_on_the_pages_of_what_is_spent_and_kept(begin, hub, keys, store, open_console, tmp_path):
    """Names of keys, repositories, files and models, where a client, the Hub, a model server or a written-to database has chosen them."""
    worker = keys.create("worker", "--role", "maintainer", "--allow", "infer *")
    name = f"{ESCAPED}.bin"
    content = store.put("plain.bin", 1000)
    gate = begin("--cache-dir", str(tmp_path / "cache"), **ON)
    hub.on(f"/acme/m/resolve/main/{name}", lambda *_: store.redirect(digest(content)))
    hub.on(CHAT, lambda *_: http(200, json.dumps({"model": EVIL, "usage": {"prompt_tokens": 1, "completion_tokens": 1}}).encode(), JSON))
    assert ask(gate, worker, f"/acme/m/resolve/main/{name}").body == content
    for model in (EVIL, f"acme/{EVIL}"):
        ask(gate, worker, CHAT, "POST", json.dumps({"model": model, "messages": []}).encode())
    hub.otherwise = lambda *_: http(200, b"{}", JSON, *limits(50, 100, 100, 300))
    for number in range(3):
        ask(gate, worker, f"/api/models/acme/{ESCAPED}{number}")
        assert ask(gate, worker, f"/api/models/acme/m{number}").status == 200
    # Of a name that no command takes.
    with sqlite3.connect(keys.database) as database:
        database.execute("UPDATE keys SET name = ?1, change = (SELECT max(change) + 1 FROM keys) WHERE name = 'worker'", [EVIL])
        database.execute("UPDATE counters SET value = value + 1 WHERE name = 'change'")
    database.close()
    admin = Admin(gate, keys.root)
    assert wait_until(lambda: any("onerror" in row["key"] for row in admin("GET", "/usage")["rows"]), 10)
    assert wait_until(lambda: any("onerror" in (share["key"] or "") for budget in admin("GET", "/budget")["budgets"] for share in budget["shares"]), 10)
    with sqlite3.connect(keys.database) as database:
        database.execute("INSERT INTO usage SELECT day, public_id, action, ?1, 1, 1, 1, 1, 1, 1, 1 FROM usage LIMIT 1", [EVIL])
        database.execute("INSERT INTO usage SELECT day, public_id, 'infer', ?1, 1, 1, 1, 1, 1, 1, 1 FROM usage LIMIT 1", ["x" + EVIL])
    database.close()
    console = open_console(gate, keys.root)
    console.go("Budget")
    console.wait("[...document.querySelectorAll('td')].some(one => one.textContent.includes('onerror'))")
    console.go("Usage")
    for by in ("key", "repo", "model"):
        console.fill("By", by)
        console.wait("[...document.querySelectorAll('td')].some(one => one.textContent.includes('onerror'))")
    # What the gateway says of a bad order is shown, too.
    console.fill("Only of the key", EVIL + "x")
    console.press("Show")
    console.wait("document.querySelector('.error').textContent")
    console.go("Cache")
    console.wait("document.querySelector('tr[data-file]')")
    console.fill("Purge a repository", "a/" + EVIL.replace(" ", "").replace("/", ""))
    console.press("Purge")
    console.wait("document.querySelector('dialog').innerText.includes('onerror')")
    console.press("Purge it")
    console.wait("document.querySelector('dialog .error').textContent.includes('repository')")
    console.press("Leave it")
    assert console.run("return [window.evil === undefined, document.querySelectorAll('main img, main script, main svg:not(.chart), dialog img').length];") == [True, 0]


def test_nothing_moves_while_the_pages_are_filled_anew(begin, hub, keys, open_console, tmp_path):
    key = keys.create("one")
    hub.otherwise = lambda *_: http(200, b"{}", JSON, *limits(50, 100, 100, 300))
    gate = begin("--cache-dir", str(tmp_path / "cache"), **ON)
    for number in range(3):
        ask(gate, key, f"/api/models/acme/other{number}")
    console = open_console(gate, keys.root)
    for title, path in (("Budget", "budget"), ("Cache", "cache")):
        console.go(title)
        console.wait("document.querySelector('tbody tr')")
        console.watch_layout()
        before = console.run(f"return performance.getEntriesByType('resource').filter(one => one.name.endsWith('/api/{path}')).length;")
        threads = [threading.Thread(target=ask, args=(gate, key, f"/api/models/acme/m{n}")) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        console.wait(f"performance.getEntriesByType('resource').filter(one => one.name.endsWith('/api/{path}')).length > {before}", 20)
        assert console.layout_shift < 0.02, title
