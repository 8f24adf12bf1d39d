from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dawndusk.optimize.trials.store import StoreError
from dawndusk.studies.run.store.address import Address
from dawndusk.studies.run.store.guarding import search_lock

HOLDER = """
import sys, time
from dawndusk.studies.run.store.address import Address
from dawndusk.studies.run.store.guarding import search_lock
with search_lock(Address(sys.argv[1], sys.argv[2]), sys.argv[3], "run", wait_s=5.0):
    print("held", flush=True)
    time.sleep(600)
"""


def hold(address: Address, name: str) -> subprocess.Popen[bytes]:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, address.kind, address.place, name], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_a_second_process_is_told_who_holds_it_until_that_is_killed(address: Address, name: str) -> None:
    with hold(address, name) as holder:
        who = rf"found in use by run, process {holder.pid} on {socket.gethostname()} since \d{{4}}-"
        with pytest.raises(StoreError, match=who), search_lock(address, name, "run", wait_s=0.0):
            pass
        with pytest.raises(StoreError, match=who), search_lock(address, name, "ask", mode="together", wait_s=0.0):
            pass
        if address.kind != "journal":  # which holds one search only
            with search_lock(address, f"{name} two", "run", wait_s=0.0):
                pass
        holder.send_signal(signal.SIGKILL)
    with search_lock(address, name, "run", wait_s=5.0):
        pass


def test_those_who_share_it_keep_out_who_wants_it_alone(address: Address, name: str) -> None:
    with (
        search_lock(address, name, "ask", mode="together", wait_s=0.0),
        search_lock(address, name, "tell", mode="together", wait_s=0.0),
        pytest.raises(StoreError, match="found in use by"),
        search_lock(address, name, "run", wait_s=0.0),
    ):
        pass
    with search_lock(address, name, "run", wait_s=0.0):
        pass


def test_a_place_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    place = Address("journal", str(tmp_path / "none" / "trials.journal"))
    with (
        pytest.raises(StoreError, match=r"found no folder .*; allowed: a file in one that is there"),
        search_lock(place, "s", "run", wait_s=0),
    ):
        pass


def test_a_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    place = Address("journal", str(tmp_path / "trials.journal"))
    with search_lock(place, "s", "run", wait_s=0.0):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with child, search_lock(place, "s", "run", wait_s=0.0):
        assert child.poll() is None
        assert child.pid != os.getpid()
        child.kill()
