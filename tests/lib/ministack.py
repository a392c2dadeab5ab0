"""Something that stands in for AWS, on a free port, gone afterwards with all it kept: it keeps everything in memory."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import tools

START_SECONDS = 30
STOP_SECONDS = 10
PORT_TRIES = 5
REQUIREMENTS = pathlib.Path(__file__).with_name("ministack.txt")
# It takes any; that it is asked for some is the SDK's rule.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-central-1"}


class Ministack:
    """Started on entry, stopped on exit. Settings are variables of its environment, in which {port} is its own."""

    def __init__(self, root, **settings):
        self.program = tools.venv(root, REQUIREMENTS).parent / "ministack"
        self.settings = settings
        self.folder = None
        self.process = None
        self.port = None

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bursar-ministack-"))
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        for _ in range(PORT_TRIES):
            port = _free_port()
            place = {"HOME": str(self.folder), "TMPDIR": str(self.folder), "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
            place |= {name: value.format(port=port) for name, value in self.settings.items()}
            # It asks itself now and then, and may not take another's credentials along.
            kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
            with (self.folder / "log").open("ab") as log:
                self.process = subprocess.Popen(
                    [self.program], cwd=self.folder, env={**kept, "LOG_LEVEL": "WARNING", **place},
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )  # fmt: skip
            if self._wait(port):
                self.port = port
                return
        raise RuntimeError(f"ministack did not start:\n{(self.folder / 'log').read_text(errors='replace')[-4000:]}")

    def _wait(self, port):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=5) as answer:
                    if answer.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        return False

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def table(self, name):
        """The address of a table as a store."""
        return f"dynamodb://{name}?region={CREDENTIALS['AWS_REGION']}&endpoint={self.endpoint}"


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
