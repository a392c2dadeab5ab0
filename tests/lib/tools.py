"""Binaries, virtual environments and Node modules, all inside the clone's target/ directory."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys


def binary(root):
    """The server: BURSAR_BIN, or a fresh release build."""
    given = os.environ.get("BURSAR_BIN")
    if given:
        path = pathlib.Path(given).resolve()
        if not path.is_file():
            sys.exit(f"BURSAR_BIN: no file at {path}")
        return path
    subprocess.run(["cargo", "build", "--release", "--locked", "-p", "bursar"], cwd=root, check=True)
    return root / "target/release/bursar"


def venv(root, requirements):
    """The Python of a virtual environment that holds exactly these requirements; made once for each content."""
    mark = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = root / f"target/tests/venv-{mark}"
    python = folder / "bin/python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements], check=True
        )
        (folder / "complete").touch()
    return python


def node_project(root, source):
    """A copy of a Node suite beside its installed modules, as its lock file has them.

    The modules are kept out of the source tree: Node looks for them in the folders above a file, so the copy is made
    into target/, where they are installed.
    """
    folder = root / "target/tests" / f"node-{source.name}"
    lock = (source / "package-lock.json").read_bytes()
    mark = folder / "complete"
    if not mark.exists() or mark.read_bytes() != lock:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy2(source / name, folder / name)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True)
        mark.write_bytes(lock)
    for old in folder.glob("*.mjs"):
        old.unlink()
    for file in source.glob("*.mjs"):
        shutil.copy2(file, folder / file.name)
    return folder


def node_test(folder, env, extra):
    """Node's own test runner over the suite's files, two at a time."""
    files = sorted(str(path) for path in folder.glob("*.test.mjs"))
    command = ["node", "--test", "--test-concurrency=2", "--test-reporter=spec", *extra, *files]
    return subprocess.run(command, cwd=folder, env=env).returncode


def main():
    """For scripts: `tools.py binary`, `tools.py venv REQUIREMENTS`, `tools.py node FOLDER` make it and say where it is."""
    root = pathlib.Path(__file__).resolve().parent.parent.parent
    make = {"binary": lambda: binary(root), "venv": lambda of: venv(root, root / of), "node": lambda of: node_project(root, root / of)}
    print(make[sys.argv[1]](*sys.argv[2:]))


if __name__ == "__main__":
    main()
