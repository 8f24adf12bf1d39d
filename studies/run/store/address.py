"""Where a store lies: a file in the run folder, an SQLite file, or a PostgreSQL server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from dawndusk.models.errors import MissingExtraError, nearest
from dawndusk.optimize.trials.store import StoreError

JOURNAL, JOURNAL_NAME = "journal", "trials.journal"
"""The store of a study that names none, and its file in the run folder."""
ALLOWED = "journal, sqlite:///FILE or postgresql://USER@HOST:PORT/DATABASE"
SCHEMES = ("journal", "sqlite", "postgresql")
DRIVER = "postgresql+psycopg"
CONNECT_S = 10
"""How long a server may take to answer."""
STATEMENT_MS = 120_000
BUSY_S = 60
"""How long SQLite waits for another writer."""


@dataclass(frozen=True)
class Address:
    """A kind of store and its place. Its text is fit to be shown: it never has a password."""

    kind: Literal["journal", "sqlite", "postgresql"]
    place: str

    def __str__(self) -> str:
        if self.kind != "postgresql":
            return self.place if self.kind == "journal" else f"sqlite:///{self.place}"
        parts = urlsplit(self.place)
        user = f"{parts.username}@" if parts.username else ""
        port = f":{parts.port}" if parts.port else ""
        open_ones = [item for item in parts.query.split("&") if item and not item.startswith("password=")]
        query = f"?{'&'.join(open_ones)}" if open_ones else ""
        return f"postgresql://{user}{parts.hostname or ''}{port}{parts.path}{query}"

    @property
    def path(self) -> Path:
        """Return the file of a store that is one."""
        return Path(self.place)

    @property
    def url(self) -> str:
        """Return the address for SQLAlchemy."""
        if self.kind == "sqlite":
            return f"sqlite:///{self.place}"
        return DRIVER + self.place.removeprefix("postgresql")

    @property
    def connection(self) -> dict[str, Any]:
        """Return the settings of a connection, so that whatever does not answer ends in an error."""
        if self.kind == "sqlite":
            return {"timeout": BUSY_S}
        return {"connect_timeout": CONNECT_S, "options": f"-c statement_timeout={STATEMENT_MS}"}


def read_address(storage: str, folder: Path) -> Address:
    """Return the address that a study states; files are looked for from the run folder.

    Raises
    ------
    StoreError
        With what is allowed, where there is no such kind of store.
    """
    scheme = storage.split(":", 1)[0]
    if storage in {JOURNAL, ""}:
        return Address("journal", str(folder / JOURNAL_NAME))
    if scheme == "journal" and storage.startswith("journal:///") and storage != "journal:///":
        return Address("journal", str(folder / storage.removeprefix("journal:///")))
    if scheme == "sqlite" and storage.startswith("sqlite:///") and storage != "sqlite:///":
        return Address("sqlite", str(folder / storage.removeprefix("sqlite:///")))
    if scheme in {"postgresql", "postgres"}:
        return _server(storage)
    shown = storage if "@" not in storage else f"{scheme}://..."
    raise StoreError(f"search.storage: found {shown!r}; allowed {ALLOWED}{nearest(scheme, SCHEMES)}")


def _server(storage: str) -> Address:
    url = "postgresql" + storage[storage.index(":") :]
    try:
        parts = urlsplit(url)
        known = parts.hostname is not None and parts.port != 0 and len(parts.path) > 1
    except ValueError:
        known = False
    if not known and "host=" not in url:
        raise StoreError(
            "search.storage: found a PostgreSQL address without a host, a port that is a number or a database; "
            f"allowed {ALLOWED}"
        )
    return Address("postgresql", url)


def driver() -> Any:
    """Return the PostgreSQL driver.

    Raises
    ------
    MissingExtraError
        Where it is not installed.
    """
    try:
        import psycopg  # noqa: PLC0415 (in an extra)
    except ImportError:
        raise MissingExtraError("search.storage", "psycopg", "postgres", "another store") from None
    return psycopg
