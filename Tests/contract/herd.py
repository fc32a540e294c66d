"""Many clients that start at once and download the same model, each by what `snapshot_download` asks."""

import base64
import json
import threading


def make_model(hub, repo, files):
    """A model of so many small files in the sandbox; their names."""
    hub.create(repo)
    names = [f"part-{number}.json" for number in range(files)]
    lines = [{"key": "header", "value": {"summary": "files"}}]
    lines += [{"key": "file", "value": {"path": name, "encoding": "base64", "content": base64.b64encode(name.encode() * 20).decode()}} for name in names]
    hub.post(f"/api/models/{repo}/commit/main", "\n".join(map(json.dumps, lines)).encode(), "application/x-ndjson")
    return names


def ask(connection, method, path):
    """Follows redirects within the gateway, as clients of the Hub do."""
    while True:
        connection.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answer = connection.answer(to_head=method == "HEAD")
        if answer.status != 307:
            return answer
        path = answer["Location"]
        assert path.startswith("/"), path


class Download(threading.Thread):
    """One client: where the branch is, then of each file its head and its content."""

    def __init__(self, gate, repo, names, begin):
        super().__init__()
        self.gate, self.repo, self.names, self.begin, self.error = gate, repo, names, begin, None
        self.start()

    def run(self):
        try:
            with self.gate.connect(300) as connection:
                self.begin.wait(300)
                self._download(connection)
        except Exception as error:  # noqa: BLE001 - the test shows it
            self.error = error
            self.begin.abort()

    def _download(self, connection):
        info = ask(connection, "GET", f"/api/models/{self.repo}/revision/main")
        assert info.status == 200, info.status
        commit = json.loads(info.body)["sha"]
        for name in self.names:
            path = f"/{self.repo}/resolve/{commit}/{name}"
            head = ask(connection, "HEAD", path)
            assert (head.status, head["X-Repo-Commit"]) == (200, commit), (name, head.status)
            content = ask(connection, "GET", path)
            assert content.status == 200 and content.body == name.encode() * 20, (name, content.status)


def download(gate, repo, names, clients):
    """All of them at once."""
    begin = threading.Barrier(clients)
    crowd = [Download(gate, repo, names, begin) for _ in range(clients)]
    for client in crowd:
        client.join(300)
    errors = [repr(client.error) for client in crowd if client.error]
    assert errors == [], errors[:3]
