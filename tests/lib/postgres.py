"""A PostgreSQL server of our own, in a temporary directory, on a free port, gone afterwards."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

START_SECONDS = 30
STOP_SECONDS = 30
PORT_TRIES = 5
PASSWORD = "bursar-tests"
AUTHORITY = "authority.pem"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "wal_compression": "off",
    "max_wal_size": "2GB",
    # Circles of waiting are looked for at once: tests make them on purpose.
    "deadlock_timeout": "50ms",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
}


def programs():
    """The folder of the server's programs."""
    found = [path.parent for path in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))]
    if not found and shutil.which("postgres"):
        found.append(pathlib.Path(shutil.which("postgres")).resolve().parent)
    if not found:
        raise SystemExit("PostgreSQL's server is not installed (Debian: postgresql)")
    return found[-1]


def _as_its_user():
    """What to put before a command: the server refuses to run as root."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


class Postgres:
    """Started on entry, stopped on exit."""

    def __init__(self, **settings):
        self.settings = {**SETTINGS, **settings}
        self.bin = programs()
        self.folder = None
        self.process = None
        self.port = None

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bursar-postgres-"))
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, *command):
        done = subprocess.run(
            [*_as_its_user(), *command], cwd=self.folder, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def _initialise(self):
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            self.bin / "initdb", "--pgdata", self.folder / "data", "--username=bursar", f"--pwfile={secret}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        self._certify()

    def _certify(self):
        """An authority, and its certificate for this server's address: for those who want TLS."""
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2")
        self._run("openssl", "req", "-x509", *key, "-keyout", "authority.key", "-out", AUTHORITY, "-subj", "/CN=authority of tests")
        self._run(
            "openssl", "req", "-x509", *key, "-keyout", "server.key", "-out", "server.pem", "-subj", "/CN=server of tests",
            "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
            "-CA", AUTHORITY, "-CAkey", "authority.key",
        )  # fmt: skip
        self.settings |= {"ssl": "on", "ssl_cert_file": self.folder / "server.pem", "ssl_key_file": self.folder / "server.key"}

    def start(self):
        """Start it, on the port it had or a free one."""
        for _ in range(PORT_TRIES):
            port = self.port or _free_port()
            settings = {**self.settings, "port": port, "unix_socket_directories": self.folder}
            command = [self.bin / "postgres", "-D", self.folder / "data"]
            command += [f"--{name}={value}" for name, value in settings.items()]
            with (self.folder / "log").open("ab") as log:
                self.process = subprocess.Popen(
                    [*_as_its_user(), *command], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            if self._wait(port):
                self.port = port
                return
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text(errors='replace')[-4000:]}")

    def _wait(self, port):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            ready = subprocess.run([self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)])
            if ready.returncode == 0:
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def stop(self, how=signal.SIGINT):
        """End it: SIGINT ends all sessions in order, SIGQUIT as a crash would."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def url(self, database="postgres"):
        """The address of one of its databases."""
        return f"postgres://bursar:{urllib.parse.quote(PASSWORD)}@127.0.0.1:{self.port}/{database}"

    def url_over_tls(self, database="postgres"):
        """The same, over TLS only, with a certificate by this server's authority."""
        return f"{self.url(database)}?sslmode=verify-full&sslrootcert={self.folder / AUTHORITY}"

    def query(self, statement, database="postgres"):
        """What a statement answers, a line a row, columns separated by `|`."""
        done = subprocess.run(
            [self.bin / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url(database)],
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{statement}: {done.stderr}")
        return done.stdout.strip()

    def make(self, database):
        """A new database; answers its address."""
        self.query(f'CREATE DATABASE "{database}"')
        return self.url(database)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
