"""Who may ask: hosts, origins, tokens and sizes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("fastapi")
testclient = pytest.importorskip("starlette.testclient")

from dawndusk.studies.web.guard import MOST_BYTES, Guard  # noqa: E402 (what it is tested with comes first)

TOKEN = "abcdef0123456789abcdef"
Handler = Callable[[dict[str, Any]], Awaitable[None]]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    body = (await receive()).get("body", b"")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"%d bytes" % len(body)})


def client(token: str | None = None, host: str = "localhost") -> Any:
    return testclient.TestClient(Guard(echo, token=token), base_url=f"http://{host}", follow_redirects=False)


@pytest.mark.parametrize("host", ["localhost", "localhost:8765", "127.0.0.1", "127.0.0.1:1", "[::1]:80"])
def test_this_machine_is_welcome(host: str) -> None:
    assert client(host=host).get("/").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_another_host_is_refused(host: str) -> None:
    found = client().get("/", headers={"host": host})
    assert found.status_code == 421 and "allowed: localhost" in found.json()["error"]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:9", "https://evil.example:80", "http://localhost.evil"]
)
def test_another_origin_is_refused(origin: str) -> None:
    for method in ("get", "post", "delete", "options"):
        assert getattr(client(), method)("/", headers={"origin": origin}).status_code == 403


def test_its_own_origin_is_welcome() -> None:
    assert client().post("/", headers={"origin": "http://localhost"}).status_code == 200


def test_another_site_without_an_origin_may_not_change_anything() -> None:
    assert client().post("/", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client().get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_a_token_is_needed_where_there_is_one() -> None:
    asking = client(TOKEN, host="10.0.0.1")
    assert asking.get("/").status_code == 401
    assert asking.get("/", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert asking.get("/", headers={"authorization": f"Bearer {TOKEN}x"}).status_code == 401
    assert asking.get("/", headers={"authorization": "Bearer \u00e4\u00f6".encode("latin-1")}).status_code == 401
    assert asking.get("/api/runs?token=" + TOKEN).status_code == 401


def test_the_address_with_the_token_becomes_a_cookie_of_this_site_alone() -> None:
    asking = client(TOKEN, host="10.0.0.1")
    welcome = asking.get(f"/?token={TOKEN}")
    assert welcome.status_code == 303 and welcome.headers["location"] == "/"
    assert "HttpOnly" in welcome.headers["set-cookie"] and "SameSite=Strict" in welcome.headers["set-cookie"]
    assert asking.get("/").status_code == 200
    assert client(TOKEN).get("/?token=wrong").status_code == 401


def test_a_large_body_is_refused_by_what_it_says_and_by_what_it_is() -> None:
    assert client().post("/", content=b"x" * MOST_BYTES).text == f"{MOST_BYTES} bytes"
    assert client().post("/", content=b"x" * (MOST_BYTES + 1)).status_code == 413
    stream = (b"x" * 65536 for _ in range(MOST_BYTES // 65536 + 1))
    assert client().post("/", content=stream).status_code == 413
    assert client().post("/", headers={"content-length": "-1"}, content=b"").status_code == 400


def test_every_answer_says_what_a_browser_may_do_with_it() -> None:
    for found in (client().get("/"), client().get("/", headers={"host": "evil.example"})):
        assert "default-src 'none'" in found.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in found.headers["content-security-policy"]
        assert found.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in found.headers
