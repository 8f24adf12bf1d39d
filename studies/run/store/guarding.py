"""Who may work on a search: its lock lies with its store, so that it holds for every machine that shares the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dawndusk.optimize.trials.store import StoreError
from dawndusk.studies.run.store.address import CONNECT_S, Address, driver
from dawndusk.studies.run.store.locks import Mode, SearchInUseError, file_lock, wait_until, whoever

KEY_BYTES, KEY_HALF = 8, 32
MOST_NAME = 63
"""Longest name of a connection in PostgreSQL."""
TRY = {"alone": "pg_try_advisory_lock", "together": "pg_try_advisory_lock_shared"}
HOLDER = """
select a.application_name from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.pid <> pg_backend_pid() and l.objsubid = 1
and l.classid::bigint = %s and l.objid::bigint = %s
and l.database = (select oid from pg_database where datname = current_database())
order by l.mode limit 1
"""


@contextmanager
def search_lock(
    address: Address, name: str, purpose: str, *, mode: Mode = "alone", what: str = "", wait_s: float
) -> Iterator[None]:
    """Hold the lock of a search. It ends with the process, however that ends.

    Parameters
    ----------
    purpose : str
        What the others are told that it is held for.
    mode : {"alone", "together"}
        Whether it is shared with others who share it.
    what : str
        Which lock of the search; the one without a name is for the whole of it.
    wait_s : float
        How long to wait for it.

    Raises
    ------
    StoreError
        Where another process keeps it: names that process and its host.
    """
    if address.kind == "postgresql":
        with _on_server(address, f"{name} {what}".strip(), purpose, mode, wait_s):
            yield
    else:
        if not address.path.parent.is_dir():
            raise StoreError(f"{address}: found no folder {address.path.parent}; allowed: a file in one that is there")
        with file_lock(lock_file(address, name, what), purpose, mode=mode, wait_s=wait_s):
            yield


def lock_file(address: Address, name: str, what: str = "") -> Path:
    """Return the file whose lock is that of a search: one beside the store for each search in it."""
    label = "" if address.kind == "journal" else f"-{hashlib.sha256(name.encode()).hexdigest()[:KEY_BYTES]}"
    part = f".{what}" if what else ""
    return address.path.with_name(f"{address.path.name}{label}{part}.lock")


def holder_of(address: Address, name: str) -> str:
    """Return who works on a search now, nothing where nobody does or it can not be told."""
    try:
        with search_lock(address, name, "look", mode="together", wait_s=0.0):
            return ""
    except SearchInUseError as error:
        return error.holder
    except StoreError:
        return ""


@contextmanager
def _on_server(address: Address, name: str, purpose: str, mode: Mode, wait_s: float) -> Iterator[None]:
    """Hold a lock of a PostgreSQL server, which lets go of it when the connection ends."""
    psycopg = driver()
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:KEY_BYTES], signed=True)
    signed = whoever(purpose)[:MOST_NAME]
    try:
        with psycopg.connect(
            address.place, autocommit=True, connect_timeout=CONNECT_S, application_name=signed
        ) as connection:

            def taken() -> bool:
                return bool(connection.execute(f"select {TRY[mode]}(%s)", [key]).fetchone()[0])

            if not wait_until(taken, wait_s):
                raise SearchInUseError(f"{address}: {name}", _holder(connection, key))
            yield
    except psycopg.Error as error:
        words = " ".join(str(error).split())
        raise StoreError(f"{address}: the store does not answer: {words}") from None


def _holder(connection: Any, key: int) -> str:
    unsigned = key % 2 ** (2 * KEY_HALF)
    found = connection.execute(HOLDER, [unsigned >> KEY_HALF, unsigned % 2**KEY_HALF]).fetchone()
    return str(found[0]) if found else ""
