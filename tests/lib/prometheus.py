"""A Prometheus of our own beside a server."""

import contextlib
import json
import math
import pathlib
import socket
import time
import urllib.parse
import urllib.request

from server import Program

MONITORING = pathlib.Path(__file__).resolve().parent.parent.parent / "deploy/monitoring"
PATIENCE_SECONDS = 60
SCRAPE_INTERVAL = "1s"


class Prometheus(Program):
    """Prometheus with the configuration of the repository: only addresses and pauses are others, and the rules if others are named."""

    def __init__(self, folder, target, rules=MONITORING / "bursar.rules.yml"):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        config = (MONITORING / "prometheus.yml").read_text()
        for old, new in [("127.0.0.1:9420", target), ("interval: 15s", f"interval: {SCRAPE_INTERVAL}"), ("bursar.rules.yml", str(rules))]:
            assert old in config, old
            config = config.replace(old, new)
        (folder / "prometheus.yml").write_text(config)
        self.address = f"http://{address}"
        arguments = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/series", f"--web.listen-address={address}"]
        super().__init__("prometheus", folder, "prometheus", arguments, {})

    def _wait(self):
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"prometheus does not start; its log ends:\n{self.tail()}")
            time.sleep(0.1)

    def is_ready(self):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.address}/-/ready", timeout=2) as answer:
            return answer.status == 200
        return False

    def api(self, path, **query):
        with urllib.request.urlopen(f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def samples(self, question):
        """How many series answer it with a number."""
        found = self.api("query", query=question)["result"]
        return sum(not math.isnan(float(series["value"][1])) for series in found)
