"""Real programs in a temporary directory, `bursar serve` and `bursar bank-simulator`, and what must hold when they stop."""

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


class Program:
    """Starts on entry, ends on exit whatever happened."""

    def __init__(self, binary, folder, name, arguments, environment):
        self.binary = binary
        self.folder = folder
        self.name = name
        self.arguments = arguments
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "RUST_BACKTRACE": "1",
            **environment,
        }
        self.url = None
        self.process = None
        self.exit_code = None
        self.log = folder / f"{name}.log"
        self.said = []

    def __enter__(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.binary, *self.arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True).start()
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

    def _listen(self, output):
        with (self.folder / f"{self.name}-stdout.log").open("a") as kept:
            for line in output:
                kept.write(line)
                kept.flush()
                self.said.append(line)

    def _wait(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            address = re.search(r"listening on (http://\S+)", "".join(self.said))
            if address and self.ready(address[1].rstrip("/")):
                self.url = address[1].rstrip("/")
                return
            time.sleep(0.02)
        raise RuntimeError(
            f"{self.name} is not ready after {START_SECONDS} s; exit {self.process.poll()}; its log ends:\n{self.tail()}"
        )

    def ready(self, url):
        return True

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

    def kill(self):
        """End it as a crash would, so that entering again starts it once more."""
        self.process.kill()
        self.process.wait()
        self.said = []


class Bank(Program):
    """A bank simulator of its own, for servers that share it."""

    def __init__(self, binary, folder):
        arguments = ["bank-simulator", "--listen", "127.0.0.1:0", "--books", folder / "bank.db"]
        super().__init__(binary, folder, "bank", arguments, {})


class Server(Program):
    """A server; `teardown` stops it politely and reports what is wrong.

    On a store in a file of its own, with a bank inside, unless others are named."""

    def __init__(self, binary, folder, name="server", log_level="info", key=None, store=None, bank=None, vault_key=None, more=None):
        self.more = more or {}
        self.store = store or f"sqlite:{folder}/bursar.db"
        self.bank = bank
        self.key = key or f"sk_test_{secrets.token_hex(16)}"
        environment = {"BURSAR_TEST_KEY": self.key, "BURSAR_STORE": self.store, "RUST_LOG": log_level, **self.more}
        # The tests' receivers are on this machine.
        environment["BURSAR_WEBHOOKS_ALLOW_PRIVATE"] = "true"
        # Some suites try more wrong keys in a minute than whoever guesses may.
        environment["BURSAR_RATE_LIMIT_FAILURES"] = "0"
        if vault_key:
            environment["BURSAR_VAULT_KEY"] = vault_key
        arguments = ["serve", "--listen", "127.0.0.1:0"]
        if bank:
            arguments += ["--bank", bank.url]
        super().__init__(binary, folder, name, arguments, environment)

    def ready(self, url):
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    @property
    def publishable_key(self):
        """Told by the first start on an empty store only."""
        key = re.search(r"\bpk_test_\w+", "".join(self.said))
        return key[0] if key else None

    def make_platform_key(self):
        """A key of whoever runs the platform; made before the server has the store."""
        command = [self.binary, "keys", "create", "--kind", "platform", "--store", self.store]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[0]

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

    def teardown(self):
        """Stop, verify the books, read the log. Returns the complaints."""
        wrong = []
        if self.process.poll() is not None and self.exit_code is None:
            wrong.append(
                f"{self.name} ended by itself with {self.process.poll()}; its log ends:\n{self.tail()}"
            )
        self.stop()
        if self.exit_code != 0:
            wrong.append(f"{self.name}'s exit status on SIGTERM: {self.exit_code}")
        if self.store != "memory:":
            wrong += self.verify()
        log = self.log.read_text(errors="replace")
        wrong += [
            f"log: {line}" for line in log.splitlines() if re.search(r"panicked at|\bpanic\b|RUST_BACKTRACE", line)
        ][:10]
        if self.key in log:
            wrong.append("the log holds the secret key")
        if "postgres://" in log:
            wrong.append("the log holds the database's address, and so its password")
        return wrong

    def verify(self):
        """Run `bursar verify` on the server's store, with the bank's books if the bank stands by itself."""
        command = [self.binary, "verify"]
        if self.bank:
            command += ["--bank", self.bank.url]
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "BURSAR_STORE": self.store, **self.more},
                capture_output=True,
                text=True,
                timeout=VERIFY_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return [f"bursar verify did not end within {VERIFY_SECONDS} s"]
        said = f"{done.stdout}{done.stderr}".strip()
        print(f"bursar verify: exit {done.returncode}; {said.splitlines()[-1] if said else 'nothing said'}", flush=True)
        return [] if done.returncode == 0 else [f"bursar verify: exit {done.returncode}:\n{said}"]
