"""Serving the explorer: where it listens, and the address to open."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from dawndusk.models.errors import DawnduskError, MissingExtraError

LOOPBACK = "127.0.0.1"
PORT, LARGEST_PORT = 8765, 65535
TOKEN_VARIABLE = "DAWNDUSK_TOKEN"
LEAST_TOKEN = 16
WAITING = 128
GRACE_S = 3
SYSTEM = os.name
POSIX = "posix"
"""Searches are ended and locked by what POSIX systems have: process groups, interrupts, and locks that end with their
process."""


def open_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens, so that a port in use is an error before anything else happens.

    Raises
    ------
    DawnduskError
        Where the port is in use or the address is none of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DawnduskError(f"--host: found {host!r}, which is no address ({error}); allowed: {LOOPBACK}") from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(WAITING)
    except OSError as error:
        made.close()
        raise DawnduskError(
            f"--port: {host}:{port} can not be listened on: {error.strerror}; allowed: a free port, or 0 for any"
        ) from None
    return made


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine alone."""
    return host in {"localhost", "::1"} or host.startswith("127.")


def token_for(host: str) -> str | None:
    """Return the token that requests need: none on loopback, unless one is set in the environment."""
    given = os.environ.get(TOKEN_VARIABLE, "")
    if given:
        if len(given) < LEAST_TOKEN or not given.isascii() or not given.isalnum():
            raise DawnduskError(
                f"{TOKEN_VARIABLE}: found a weak token; allowed: {LEAST_TOKEN} letters and digits or more"
            )
        return given
    return None if is_loopback(host) else secrets.token_hex(LEAST_TOKEN)


def serve(
    folder: Path,
    named: Mapping[str, Path],
    *,
    first: str = "",
    host: str = LOOPBACK,
    port: int = PORT,
    most_seconds: float,
    tell: Callable[[str], None],
) -> None:
    """Serve the explorer until it is interrupted.

    Parameters
    ----------
    folder : Path
        Where runs are and where jobs write theirs; nothing else is written.
    named : mapping of str to Path
        Studies and runs to explore besides.
    first : str
        What the page opens with: ``run=NAME`` or ``study=NAME``.
    tell : callable
        Called with the address to open, once the server listens.

    Raises
    ------
    DawnduskError
        Where the system can not run it, a library is missing, the port is in use, or another explorer works in the
        folder.
    """
    if SYSTEM != POSIX:
        raise DawnduskError(
            f"serve: found a system of kind {SYSTEM!r}; allowed: Linux, macOS, or Windows with WSL. Everything but the "
            "explorer works without: dawndusk run, report, explain"
        )
    try:
        import uvicorn  # noqa: PLC0415 (an extra)

        from dawndusk.studies.web.app import create_app  # noqa: PLC0415 (the same extra)
    except ImportError as error:
        raise MissingExtraError("serve", error.name, "web") from None
    from dawndusk.studies.output.report.page import plotly_script  # noqa: PLC0415 (an extra too)
    from dawndusk.studies.web.guard import Guard  # noqa: PLC0415 (only the server needs it)
    from dawndusk.studies.web.jobs import Jobs  # noqa: PLC0415 (the same)
    from dawndusk.studies.web.workspace import Workspace  # noqa: PLC0415 (the same)

    plotly_script()
    token = token_for(host)
    with open_socket(host, port) as listening:
        jobs = Jobs(folder)
        app = create_app(Workspace(folder, named), jobs, most_seconds=most_seconds)
        config = uvicorn.Config(
            Guard(app, token=token),
            log_level="warning",
            lifespan="on",
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        tell(address(host, listening.getsockname()[1], token, first))
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


def address(host: str, port: int, token: str | None, first: str = "") -> str:
    """Return the address to open in a browser."""
    name = f"[{host}]" if ":" in host else host
    query = f"?token={token}" if token else ""
    return f"http://{name}:{port}/{query}{f'#{first}' if first else ''}"
