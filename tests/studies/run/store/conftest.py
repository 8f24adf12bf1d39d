from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dawndusk.studies.run.store.address import Address, read_address

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
START_S = 60.0


def _unprivileged() -> dict[str, str]:
    """The server refuses to run as root; Debian's package brings a user for it."""
    if os.geteuid():
        return {}
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("a PostgreSQL server does not run as root, and there is no user postgres")
    return {"user": "postgres", "group": "postgres"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL server on the loopback of this machine, for as long as the tests run."""
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed (extra dawndusk[postgres])")
    if not PROGRAMS:
        pytest.skip("no PostgreSQL server in /usr/lib/postgresql (Debian package postgresql)")
    programs, user, port = str(PROGRAMS[0]), _unprivileged(), str(_free_port())
    folder = tempfile.mkdtemp(prefix="dawndusk-postgres-")
    if user:
        shutil.chown(folder, "postgres", "postgres")
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    subprocess.run(
        [f"{programs}/initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "dawndusk", "--no-sync"],
        check=True,
        **quiet,
    )
    settings = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-k", folder, "-p", port]
    server = subprocess.Popen([f"{programs}/postgres", "-D", f"{folder}/data", *settings], **quiet)
    try:
        ready = [f"{programs}/pg_isready", "-q", "-h", "127.0.0.1", "-p", port]
        end = time.monotonic() + START_S
        while subprocess.run(ready, check=False).returncode:
            assert server.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        yield f"postgresql://dawndusk@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["journal", "sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    """A place for a store of each kind."""
    stated = {"journal": "journal", "sqlite": "sqlite:///trials.db"}
    if request.param == "postgresql":
        return read_address(request.getfixturevalue("postgres_url"), tmp_path)
    return read_address(stated[request.param], tmp_path)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name of its own for the search of each test: a server is shared."""
    return str(request.node.name)
