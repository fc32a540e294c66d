"""What the tests of limits and of usage share: many clients at once, each on a connection of its own that it keeps."""

import threading

from policy import Client, request
from wire import Ended


class Crowd:
    """`clients` threads that ask `each` times, all beginning at the same moment. `answers` are (status, code, bytes of content)."""

    def __init__(self, gate, key, clients, each, method="GET", path="/api/models/acme/m", body=b""):
        self.gate, self.each = gate, each
        self.raw = request(key, method, path, body)
        self.answers, self.lost = [], 0
        self.begin = threading.Barrier(clients)
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def _run(self):
        client = Client(self.gate)
        try:
            client.connection = self.gate.connect(30)
            self.begin.wait(60)
            for _ in range(self.each):
                answer = client.ask(self.raw)
                self.answers.append((answer.status, answer["X-Error-Code"], len(answer.body)))
        except (Ended, OSError):
            self.lost += 1
        finally:
            client.close()

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def join(self):
        for thread in self.threads:
            thread.join(90)
            assert not thread.is_alive()
        return self

    def count(self, status):
        return sum(answer[0] == status for answer in self.answers)

    @property
    def bytes(self):
        return sum(answer[2] for answer in self.answers if answer[0] == 200)
