"""An nginx with one of config/nginx's files before a gate."""

import re
import subprocess

from gate import ROOT, clean_environment
from ports import free_port
from waiting import wait_until


class Nginx:
    def __init__(self, directory, name, certificates, gate):
        self.port = free_port()
        self.log_path = directory / "nginx.log"
        text = (ROOT / "config/nginx" / name).read_text()
        text = re.sub(r"server 127\.0\.0\.1:808\d", f"server 127.0.0.1:{gate.port}", text)
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.port}")
        text = text.replace("/etc/hubgate/", f"{certificates.directory}/").replace("/run/", f"{directory}/")
        configuration = directory / "nginx.conf"
        configuration.write_text(text)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/nginx", "-e", "stderr", "-c", configuration, "-g", "daemon off;"],
                env=clean_environment(directory), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        assert wait_until(lambda: "start worker process" in self.log, 10), self.log

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
