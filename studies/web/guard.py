"""Who may ask, and how much: host, origin, token and size of every request, and headers on every answer."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BYTES = 2**20
"""Largest body of a request, that of a study file."""
COOKIE = "dawndusk_token"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
BAD_REQUEST, UNAUTHORISED, FORBIDDEN, TOO_LARGE, MISDIRECTED, SEE_OTHER = 400, 401, 403, 413, 421, 303
HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class RefusedError(Exception):
    """A request that is not let through: its status and the reason."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class Guard:
    """An application behind its checks.

    Without a token the server is for this machine alone: the host that a request names must be a loopback name, so that
    no name of a stranger can be pointed here. With a token every request needs it. An origin, where a browser states
    one, must be that of this server.
    """

    def __init__(self, inner: Application, *, token: str | None = None) -> None:
        self._inner, self._token = inner, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        state = {"begun": False}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                state["begun"] = True
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        try:
            if await self._welcomed(scope, guarded):
                return
            self._check(scope)
            await self._inner(scope, await _read(receive), guarded)
        except RefusedError as refusal:
            if not state["begun"]:
                await _answer(guarded, refusal.status, {"error": refusal.words})

    def _check(self, scope: Scope) -> None:
        headers = headers_of(scope)
        host = headers.get("host", "")
        name = urlsplit(f"//{host}").hostname or ""
        if self._token is None and name not in LOOPBACK:
            raise RefusedError(MISDIRECTED, f"host: found {host!r}; allowed: localhost, 127.0.0.1, [::1]")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise RefusedError(FORBIDDEN, f"origin: found {origin!r}; allowed: this server's own pages")
        if headers.get("sec-fetch-site") in {"cross-site", "same-site"} and scope["method"] != "GET":
            raise RefusedError(FORBIDDEN, "origin: found another site; allowed: this server's own pages")
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            raise RefusedError(BAD_REQUEST, "content-length: found no whole number")
        if int(length) > MOST_BYTES:
            raise RefusedError(TOO_LARGE, f"body: found {length} bytes; allowed: up to {MOST_BYTES}")
        if self._token is not None and not self._is_known(headers):
            raise RefusedError(
                UNAUTHORISED, "token: found none that is known; allowed: that of the address printed at start"
            )

    def _is_known(self, headers: dict[str, str]) -> bool:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        return self._matches(given) or (morsel is not None and self._matches(morsel.value))

    def _matches(self, given: str) -> bool:
        return self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())

    async def _welcomed(self, scope: Scope, send: Send) -> bool:
        """Take the token from the address of the first page into a cookie; return whether that was the request."""
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if scope["path"] != "/" or scope["method"] != "GET" or not self._matches(given):
            return False
        cookie = f"{COOKIE}={given}; HttpOnly; SameSite=Strict; Path=/"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode("latin-1"))]
        await send({"type": "http.response.start", "status": SEE_OTHER, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return True


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers of a request; of one that comes twice the last."""
    return {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}


async def _read(receive: Receive) -> Receive:
    """Read the body of a request, whatever length it announced, and return it as what is received first.

    Raises
    ------
    RefusedError
        As soon as it is too large.
    """
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MOST_BYTES:
            raise RefusedError(TOO_LARGE, f"body: found more than {MOST_BYTES} bytes; allowed: up to that")
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received


async def _answer(send: Send, status: int, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
