"""One real `bursar serve` in a temporary directory, and what must hold when it stops."""

import os
import re
import secrets
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

START_SECONDS = 20
STOP_SECONDS = 15
VERIFY_SECONDS = 120
LOG_TAIL_LINES = 40


class Server:
    """Starts on entry, ends on exit whatever happened; `teardown` stops it politely and reports what is wrong."""

    def __init__(self, binary, folder, log_level="info", key=None):
        self.binary = binary
        self.folder = folder
        self.log_level = log_level
        self.store = f"sqlite:{folder}/bursar.db"
        self.key = key or f"sk_test_{secrets.token_hex(16)}"
        self.url = None
        self.publishable_key = None
        self.process = None
        self.exit_code = None
        self.log = folder / "server.log"
        self.said = []

    def __enter__(self):
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "BURSAR_TEST_KEY": self.key,
            "RUST_LOG": self.log_level,
            "RUST_BACKTRACE": "1",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--listen", "127.0.0.1:0", "--store", self.store],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self._wait()
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _listen(self):
        with (self.folder / "stdout.log").open("w") as kept:
            for line in self.process.stdout:
                kept.write(line)
                kept.flush()
                self.said.append(line)

    def _wait(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            text = "".join(self.said)
            address = re.search(r"listening on (http://\S+)", text)
            if address and self._ready(address[1]):
                self.url = address[1].rstrip("/")
                key = re.search(r"\bpk_test_\w+", text)
                self.publishable_key = key[0] if key else None
                return
            time.sleep(0.02)
        raise RuntimeError(
            f"the server is not ready after {START_SECONDS} s; exit {self.process.poll()}; its log ends:\n{self.tail()}"
        )

    @staticmethod
    def _ready(url):
        try:
            with urllib.request.urlopen(f"{url.rstrip('/')}/readyz", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def env(self):
        """What a suite is told."""
        return {
            "BURSAR_URL": self.url,
            "BURSAR_TEST_KEY": self.key,
            "BURSAR_PUBLISHABLE_KEY": self.publishable_key or "",
            "BURSAR_DIR": str(self.folder),
            "BURSAR_STORE_URL": self.store,
            "BURSAR_BIN": str(self.binary),
        }

    def tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])

    def stop(self):
        """Ask it to stop and wait."""
        if self.exit_code is None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.exit_code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.exit_code = f"none within {STOP_SECONDS} s of SIGTERM"

    def teardown(self):
        """Stop, verify the books, read the log. Returns the complaints."""
        wrong = []
        if self.process.poll() is not None and self.exit_code is None:
            wrong.append(f"the server ended by itself with {self.process.poll()}; its log ends:\n{self.tail()}")
        self.stop()
        if self.exit_code != 0:
            wrong.append(f"the server's exit status on SIGTERM: {self.exit_code}")
        wrong += self.verify()
        log = self.log.read_text(errors="replace")
        wrong += [
            f"log: {line}" for line in log.splitlines() if re.search(r"panicked at|\bpanic\b|RUST_BACKTRACE", line)
        ][:10]
        if self.key in log:
            wrong.append("the log holds the secret key")
        return wrong

    def verify(self):
        """Run `bursar verify` on the stopped server's store."""
        try:
            done = subprocess.run(
                [self.binary, "verify", "--store", self.store],
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder)},
                capture_output=True,
                text=True,
                timeout=VERIFY_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return [f"bursar verify did not end within {VERIFY_SECONDS} s"]
        said = f"{done.stdout}{done.stderr}".strip()
        print(f"bursar verify: exit {done.returncode}; {said.splitlines()[-1] if said else 'nothing said'}", flush=True)
        return [] if done.returncode == 0 else [f"bursar verify: exit {done.returncode}:\n{said}"]
