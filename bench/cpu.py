"""Server CPU per request beside nginx, in one run: `make bench`.

Both serve over TLS 1.3 with the same certificate, each pinned to the first core, beside the same upstream (another nginx on the second core, with
wrk). Rounds are interleaved, so what the machine does meanwhile hits both. CPU is utime + stime of the server's process from
/proc/PID/stat, over the requests that wrk counted. Only ratios mean anything on a shared machine.
"""

import argparse
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CERTS = ROOT / "certs"
TICKS = os.sysconf("SC_CLK_TCK")
UPSTREAM, NGINX, GATE = 18081, 18443, 18444

UPSTREAM_CONF = """
daemon off; worker_processes 1; pid {work}/upstream.pid; error_log {work}/upstream.err;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000;
  server {{ listen 127.0.0.1:{upstream}; default_type application/json;
    location / {{ return 200 '{{"id":"sandbox/demo","sha":"0123456789abcdef0123456789abcdef01234567","private":false}}'; }} }} }}
"""

NGINX_CONF = """
daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/nginx.err;
events {{ worker_connections 4096; }}
http {{ access_log {work}/nginx.log; keepalive_requests 100000000;
  upstream hub {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{nginx} ssl; ssl_certificate {certs}/cert.pem; ssl_certificate_key {certs}/key.pem;
    default_type application/json;
    location = /-/health {{ return 200 '{{"status":"ok"}}'; }}
    location / {{ proxy_pass http://hub; proxy_http_version 1.1; proxy_set_header Connection ""; }} }} }}
"""

CASES = {"fixed": "/-/health", "relayed": "/api/models/sandbox/demo"}


def start(core, *command, **options):
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], **options)


def cpu_seconds(pid):
    """Of the process and its children, which for nginx do the work."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = 0
    for one in [pid, *children]:
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def load(port, path, seconds):
    out = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", "-c64", f"-d{seconds}s", f"https://127.0.0.1:{port}{path}"],
        capture_output=True, text=True, check=True,
    ).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        sys.exit(f"not all requests were answered:\n{out}")
    return int(re.search(r"(\d+) requests in", out).group(1))


def measure(case, servers, rounds, seconds):
    microseconds = {name: [] for name in servers}
    for number in range(rounds):
        for name, (port, pid) in servers.items():
            before = cpu_seconds(pid)
            requests = load(port, CASES[case], seconds)
            cost = (cpu_seconds(pid) - before) * 1e6 / requests
            microseconds[name].append(cost)
            print(f"{case:8} round {number + 1}/{rounds} {name:8} {requests / seconds:9.0f} req/s {cost:6.1f} us/req", flush=True)
    ratios = [gate / nginx for gate, nginx in zip(microseconds["hubgate"], microseconds["nginx"])]
    return microseconds, statistics.median(ratios), min(ratios), max(ratios)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--case", choices=CASES, action="append")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        names = {"work": work, "certs": CERTS, "upstream": UPSTREAM, "nginx": NGINX}
        (work / "upstream.conf").write_text(UPSTREAM_CONF.format(**names))
        (work / "nginx.conf").write_text(NGINX_CONF.format(**names))
        environment = {"PATH": os.environ["PATH"], "HF_TOKEN": "hf_bench"}
        with open(work / "gate.log", "wb") as log:
            processes = [
                start(1, "nginx", "-p", work, "-c", work / "upstream.conf"),
                start(0, "nginx", "-p", work, "-c", work / "nginx.conf"),
                start(
                    0, options.binary.resolve(), "--listen", f"127.0.0.1:{GATE}", "--upstream", f"http://127.0.0.1:{UPSTREAM}",
                    "--tls-cert", CERTS / "cert.pem", "--tls-key", CERTS / "key.pem", "--max-requests-per-connection", "off",
                    stdout=log, stderr=subprocess.DEVNULL, env=environment, cwd=work,
                ),
            ]
            try:
                time.sleep(1)
                servers = {"nginx": (NGINX, processes[1].pid), "hubgate": (GATE, processes[2].pid)}
                for case in options.case or CASES:
                    costs, median, low, high = measure(case, servers, options.rounds, options.seconds)
                    middle = {name: statistics.median(values) for name, values in costs.items()}
                    print(
                        f"{case}: nginx {middle['nginx']:.1f} us, hubgate {middle['hubgate']:.1f} us a request; "
                        f"ratio {median:.2f} ({low:.2f} to {high:.2f}) over {options.rounds} rounds"
                    )
            finally:
                for process in processes:
                    process.send_signal(signal.SIGTERM)
                for process in processes:
                    process.wait(15)


if __name__ == "__main__":
    main()
