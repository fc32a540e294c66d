"""Mixed load with faults on both sides for SOAK_SECONDS, and a verdict: `make soak`, `make sanitize`.
What is judged is printed at the end with its figures; exit code 1 if any of it is not so."""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from corpus import lines
from faulty_hub import FakeHub
from gate import IS_SANITIZED, Gate, make_certificates, make_workspace
from soak_client import Cut
from visits import CLIENT_TOKEN, Load, Violation, expect

SECONDS = int(os.environ.get("SOAK_SECONDS", "120"))
CLIENTS = int(os.environ.get("SOAK_CLIENTS", "40"))
SEED = int(os.environ.get("SOAK_SEED", str(time.time_ns() % 100_000)))
TOKEN = "hf_soaksoaksoaksoaksoaksoak"
OUTAGE_EVERY_SECONDS = 17
OUTAGE_SECONDS = 0.5
SAMPLE_SECONDS = 0.5
SHOW_SECONDS = 10
GROWTH_BYTES = 4 << 20
GROWTH_SHARE = 0.05
DESCRIPTORS_MORE = 2
FLAGS = [
    "--access=open", "--connect-timeout=2s", "--first-byte-timeout=2s", "--stall-timeout=2s", "--handshake-timeout=3s",
    "--head-timeout=2s", "--body-timeout=3s", "--write-timeout=2s", "--idle-download-timeout=2s", "--idle-timeout=10s", "--drain-timeout=10s",
    "--account-cache-ttl=1s",
]


class Soak:
    def __init__(self, gate, hub, load):
        self.gate, self.hub, self.load = gate, hub, load
        self.samples = []
        self.tasks = set()
        self.began = time.monotonic()
        self.verdicts = []

    async def run(self):
        await self.settle()
        self.descriptors_before = self.gate.descriptors
        self.began = time.monotonic()
        workers = [asyncio.create_task(self.load.work()) for _ in range(CLIENTS)]
        watchers = [asyncio.create_task(work()) for work in (self.sample, self.show, self.outages)]
        await asyncio.sleep(SECONDS)
        self.load.stopping = True
        await asyncio.gather(*workers)
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        self.lasted = time.monotonic() - self.began
        self.descriptors_after = await self.settle()
        await self.end()

    async def settle(self):
        """Only what stays is counted: the Hub lets its kept connections go, and a call lets the gateway notice."""
        found = 0
        for _ in range(8):
            self.hub.drop_connections()
            await asyncio.sleep(1.2)
            async with await self.load.open() as connection:
                await self.load.check_content(connection, 200)
            await asyncio.sleep(0.2)
            previous, found = found, self.gate.descriptors
            if found == previous:
                break
        return found

    async def sample(self):
        while True:
            if self.gate.process.poll() is not None:
                self.load.stopping = True
                return
            self.samples.append((time.monotonic() - self.began, self.gate.resident_bytes, self.gate.descriptors))
            self.tasks.add(self.gate.tasks)
            await asyncio.sleep(SAMPLE_SECONDS)

    async def show(self):
        while True:
            await asyncio.sleep(SHOW_SECONDS)
            moment, resident, descriptors = self.samples[-1]
            load = self.load
            print(
                f"{moment:4.0f} s  {load.counts['requests']} requests  {load.bytes >> 20} MiB  "
                f"{sum(load.faults.values())} faults  {resident / 1e6:.1f} MB  {descriptors} descriptors  "
                f"{len(load.violations)} violations",
                flush=True,
            )

    async def outages(self):
        while not self.load.stopping:
            await asyncio.sleep(min(OUTAGE_EVERY_SECONDS, SECONDS / 3))
            if not self.load.stopping:
                await self.hub.outage(OUTAGE_SECONDS)

    async def end(self):
        """SIGTERM with requests in flight: the healthy ones are answered in full, a stuck one is not waited for for ever."""
        in_flight = [asyncio.create_task(self.last_request(self.slow_download)) for _ in range(3)]
        in_flight.append(asyncio.create_task(self.last_request(self.stuck)))
        await asyncio.sleep(0.7)
        self.gate.process.terminate()
        await asyncio.gather(*in_flight)
        try:
            self.code = await asyncio.to_thread(self.gate.wait)
        except Exception as error:  # noqa: BLE001 - whatever it is, it did not end
            self.code = f"still there ({error})"
            self.gate.kill()

    async def last_request(self, request):
        try:
            async with asyncio.timeout(20), await self.load.open() as connection:
                await request(connection)
        except (Violation, Cut, OSError, TimeoutError, AssertionError) as problem:
            self.load.violations.append(f"at SIGTERM: {type(problem).__name__}: {problem}")

    async def slow_download(self, connection):
        answer = await self.load.check_content(connection, 1_500_000, query="?slow")
        expect(answer.length == 1_500_000, "a download in flight was not finished")

    async def stuck(self, connection):
        await connection.send(self.load.head("GET", "/soak/fault/silent"))
        (await connection.answer()).check_is_error(504)

    # The verdict

    def judge(self, what, is_good, figures):
        self.verdicts.append(is_good)
        print(f"{'ok    ' if is_good else 'FAULT '} {what}: {figures}")

    def median(self, column, begin, end):
        chosen = [s[column] for s in self.samples if begin * SECONDS <= s[0] < end * SECONDS]
        return statistics.median(chosen) if chosen else 0

    def verdict(self):
        load, requests = self.load, self.load.counts["requests"]
        faults = sum(load.faults.values())
        print(
            f"{requests} requests ({requests / self.lasted:.0f} a second), {load.counts['connections']} connections, "
            f"{load.counts['resumptions']} resumptions, {load.bytes >> 20} MiB down, {len(self.hub.outages)} outages, "
            f"{faults} faults ({100 * faults / max(1, requests + faults):.0f} %):\n       "
            + ", ".join(f"{name} {count}" for name, count in sorted(load.faults.items()))
        )
        for reason, count in load.explained.items():
            print(f"       {count} times {reason}")
        early, late = self.median(1, 0.25, 0.5), self.median(1, 0.75, 1)
        memory = f"{early / 1e6:.1f} MB, then {late / 1e6:.1f} MB (most {max(s[1] for s in self.samples) / 1e6:.1f} MB)"
        if IS_SANITIZED:
            print(f"       memory: {memory}; a sanitizer's own, not judged")
        else:
            self.judge("memory is flat", late - early <= max(GROWTH_BYTES, GROWTH_SHARE * early), memory)
        before, after = self.descriptors_before, self.descriptors_after
        self.judge(
            "descriptors are flat", after <= before + DESCRIPTORS_MORE,
            f"{before} before, {after} after (most {max(s[2] for s in self.samples)})")
        self.judge("one thread", self.tasks == {1}, sorted(self.tasks))
        for violation in load.violations[:20] + self.hub.violations[:5]:
            print(f"       {violation}")
        self.judge("every answer is the right one", not load.violations, f"{len(load.violations)} violations")
        self.judge("the Hub got what it may", not self.hub.violations, f"{self.hub.requests} requests")
        self.judge("exit code 0 on SIGTERM", self.code == 0, self.code)
        logs = self.gate.errors + self.gate.log_path.read_text(errors="replace")
        self.judge("no credential in the logs", TOKEN not in logs and CLIENT_TOKEN not in logs, f"{len(logs)} bytes")
        try:
            self.gate.check_errors()
            self.judge("standard error is a log", True, f"{len(self.gate.messages)} lines")
        except AssertionError as error:
            self.judge("standard error is a log", False, str(error)[:6000])
        return all(self.verdicts)


async def main(directory):
    hub = FakeHub(TOKEN)
    await hub.start()
    certificates = make_certificates(directory / "certs")
    gate = Gate(
        make_workspace(directory / "gate"), certificates, *FLAGS,
        HUBGATE_UPSTREAM=f"http://127.0.0.1:{hub.port}", HF_ACCESS_TOKEN=TOKEN,
    )
    try:
        refusals = [line for line in lines() if line.refusal and not line.targets and len(line.raw) < 100_000]
        print(f"soak: {SECONDS} s, {CLIENTS} clients, SOAK_SEED={SEED}, process {gate.pid}", flush=True)
        soak = Soak(gate, hub, Load(gate.port, certificates.client_context(), hub, refusals, SEED))
        await soak.run()
        return soak.verdict()
    finally:
        gate.kill()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="hubgate-soak.") as scratch:
        sys.exit(0 if asyncio.run(main(Path(scratch))) else 1)
