"""Serving: where it listens, what it says, and what it refuses."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from dawndusk.models.errors import DawnduskError
from dawndusk.studies.cli import serve as web_commands
from dawndusk.studies.web.server import address, is_loopback, open_socket, serve, token_for
from dawndusk.studies.web.workspace import Workspace

pytest.importorskip("uvicorn")

SERVE = (
    "import sys\nfrom dawndusk.studies.cli.serve import serve_command\n"
    "sys.exit(serve_command.main(sys.argv[1:], standalone_mode=False))\n"
)


@pytest.fixture
def serving(folder: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-c", SERVE, "--folder", str(folder), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    with server:
        assert server.stdout is not None
        yield server, server.stdout.readline().removeprefix("explorer: ").strip()
        server.kill()


def test_a_system_that_can_not_run_searches_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dawndusk.studies.web.server.SYSTEM", "nt")
    with pytest.raises(DawnduskError, match="allowed: Linux, macOS, or Windows with WSL"):
        serve(tmp_path, {}, most_seconds=1.0, tell=lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_a_named_plan_is_listed_and_no_study(tmp_path: Path) -> None:
    (tmp_path / "a-plan").mkdir()
    (tmp_path / "a-plan" / "plan.json").write_text("{}", encoding="utf-8")
    named, first = web_commands._named([str(tmp_path / "a-plan")])
    assert first == "" and list(Workspace(tmp_path / "runs", named).plans()) == ["a-plan"]
    assert "a-plan" not in {one["name"] for one in Workspace(tmp_path / "runs", named).studies()}


def test_it_serves_says_where_and_ends_when_interrupted(serving: tuple[subprocess.Popen[str], str]) -> None:
    server, url = serving
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
    with urllib.request.urlopen(f"{url}api/runs") as answer:
        assert b"small-run" in answer.read()
    with urllib.request.urlopen(url) as page:
        assert "server" not in {key.lower() for key in page.headers}
    server.send_signal(signal.SIGINT)
    _, said = server.communicate(timeout=60)
    assert "Traceback" not in said


def test_whoever_goes_away_in_the_middle_does_no_harm(serving: tuple[subprocess.Popen[str], str]) -> None:
    _, url = serving
    port = int(url.rsplit(":", 1)[1].strip("/"))
    for request in (b"", b"GET", b"POST /api/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"):
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.sendall(request)
    with urllib.request.urlopen(f"{url}api/runs") as answer:
        assert answer.status == 200


def test_a_port_in_use_is_said_to_be_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DawnduskError, match=f"--port: 127.0.0.1:{port} can not be listened on.*a free port, or 0"):
            open_socket("127.0.0.1", port)


def test_a_host_that_is_none_is_said_to_be_so() -> None:
    with pytest.raises(DawnduskError, match="--host: found 'no such host'"):
        open_socket("no such host", 0)


def test_a_token_is_made_wherever_others_can_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAWNDUSK_TOKEN", raising=False)
    assert token_for("127.0.0.1") is None and token_for("localhost") is None
    one, two = token_for("0.0.0.0"), token_for("0.0.0.0")
    assert one and two and one != two and len(one) >= 32
    assert not is_loopback("0.0.0.0") and not is_loopback("::") and is_loopback("::1")
    monkeypatch.setenv("DAWNDUSK_TOKEN", "weak")
    with pytest.raises(DawnduskError, match="DAWNDUSK_TOKEN: found a weak token"):
        token_for("127.0.0.1")
    monkeypatch.setenv("DAWNDUSK_TOKEN", "a" * 20)
    assert token_for("127.0.0.1") == "a" * 20


def test_the_address_has_token_and_first_page() -> None:
    assert address("::1", 80, None) == "http://[::1]:80/"
    assert address("10.0.0.1", 80, "abc", "run=x") == "http://10.0.0.1:80/?token=abc#run=x"


def test_elsewhere_it_asks_for_the_token(folder: Path) -> None:
    command = [sys.executable, "-c", SERVE, "--folder", str(folder), "--port", "0", "--host", "0.0.0.0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with server:
        assert server.stdout is not None
        found = re.fullmatch(r"explorer: http://0\.0\.0\.0:(\d+)/\?token=(\w+)\n", server.stdout.readline())
        assert found is not None
        url = f"http://127.0.0.1:{found[1]}/api/runs"
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            urllib.request.urlopen(url)
        refused.value.close()
        asked = urllib.request.Request(url, headers={"authorization": f"Bearer {found[2]}"})
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 200
        server.kill()


def test_libraries_that_are_missing_are_named_with_their_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    found = CliRunner().invoke(web_commands.serve_command, ["--folder", str(folder)], standalone_mode=False)
    assert isinstance(found.exception, DawnduskError)
    assert "uvicorn" in str(found.exception) and "dawndusk[web]" in str(found.exception)


def test_what_is_named_is_shown_by_its_name(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("name: mine\nextends: falcon9-today\n", encoding="utf-8")
    named, first = web_commands._named([str(folder / "small-run"), "mine.yaml", "falcon9-today", "mine.yaml"])
    assert list(named) == ["small-run", "mine", "mine-2"] and first == "run=small-run"
    assert named["mine"] == tmp_path / "mine.yaml"
    with pytest.raises(DawnduskError, match="no such study"):
        web_commands._named(["nowhere"])
