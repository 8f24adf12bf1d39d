"""Optuna's storage in a database: SQLite in a file, or a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from optuna.storages import BaseStorage, RDBStorage

from dawndusk.studies.run.store.address import Address, driver


def connected(address: Address, *, create: bool) -> RDBStorage:
    """Return the storage in a database, with its tables made where they are wanted."""
    if address.kind == "postgresql":
        driver()
    settings = {"connect_args": address.connection, "pool_pre_ping": address.kind == "postgresql"}
    storage = RDBStorage(address.url, engine_kwargs=settings, skip_table_creation=not create)
    if address.kind == "sqlite":
        with storage.engine.connect() as connection:  # a third of the waiting for the disk, and readers never block
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    return storage


def disconnect(storage: BaseStorage) -> None:
    """Close every connection of a storage."""
    assert isinstance(storage, RDBStorage)
    storage.engine.dispose()


@contextmanager
def one_transaction(storage: BaseStorage) -> Iterator[None]:
    """Let the sessions of a storage join one transaction: it waits for the disk once, not once for each attribute."""
    assert isinstance(storage, RDBStorage)
    sessions = storage.scoped_session
    with storage.engine.begin() as connection:
        sessions.remove()
        sessions.configure(bind=connection, join_transaction_mode="rollback_only")
        try:
            yield
        finally:
            sessions.remove()
            sessions.configure(bind=storage.engine, join_transaction_mode="conditional_savepoint")
