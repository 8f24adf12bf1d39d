"""Jobs: in order, cancellable, and never lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dawndusk.models.errors import DawnduskError
from dawndusk.studies.run.folder.reading import read_run
from dawndusk.studies.web import jobs as module
from dawndusk.studies.web.jobs import CANCELLED, DONE, FAILED, MOST_WAITING, QUEUED, RUNNING, BusyError, Jobs

from .conftest import wait_for


@pytest.mark.slow
def test_jobs_run_in_order_and_keep_their_runs(jobs: Jobs, quick_study: dict[str, Any]) -> None:
    one, two = (jobs.add(quick_study, "quick") for _ in range(2))
    assert [job.state for job in jobs.all()] == [QUEUED, QUEUED]
    jobs.start()
    done = [wait_for(jobs, job.id) for job in (one, two)]
    assert [job.state for job in done] == [DONE, DONE]
    assert [job.run for job in done] == [f"job-{one.id}", f"job-{two.id}"]
    assert read_run(jobs.folder / str(done[0].run)).optimum["status"] == "feasible"
    events = jobs.events(one.id)
    assert events[-1]["stage"] == "ended" and jobs.events(one.id, len(events)) == []


@pytest.mark.slow
def test_a_study_of_several_goals_leaves_its_front(jobs: Jobs, quick_study: dict[str, Any]) -> None:
    goals = ["lcoc_usd_per_pflop_hour", "launched_mass_t"]
    section = {"spacing": 0.2, "certify_ends": False, "certify_points": False}
    search = {**quick_study["search"], "time_limit_s": 5.0}
    job = jobs.add({**quick_study, "kind": "pareto", "minimise": goals, "front": section, "search": search}, "front")
    jobs.start()
    done = wait_for(jobs, job.id)
    assert done.state == DONE
    front = read_run(jobs.folder / str(done.run)).front
    assert front is not None and front["points"]


def test_a_queued_job_is_cancelled_at_once(jobs: Jobs, quick_study: dict[str, Any]) -> None:
    job = jobs.add(quick_study, "quick")
    assert jobs.cancel(job.id).state == CANCELLED
    assert jobs.cancel(job.id).state == CANCELLED


@pytest.mark.slow
def test_a_running_job_is_cancelled_with_what_it_has(jobs: Jobs, long_study: dict[str, Any]) -> None:
    job = jobs.add(long_study, "long")
    jobs.start()
    while not jobs.events(job.id):
        time.sleep(0.05)
    time.sleep(1.0)
    jobs.cancel(job.id)
    ended = wait_for(jobs, job.id)
    assert ended.state == CANCELLED
    if ended.run is not None:
        assert read_run(jobs.folder / ended.run).optimum["stopped_by"] == "interrupt"


def test_a_search_that_fails_says_why(jobs: Jobs) -> None:
    job = jobs.add({"name": "broken", "kind": "design", "minimise": "nothing"}, "broken")
    jobs.start()
    failed = wait_for(jobs, job.id)
    assert failed.state == FAILED and "nothing" in failed.error


@pytest.mark.slow
def test_a_worker_that_dies_is_a_failure_and_the_next_job_runs(
    jobs: Jobs, long_study: dict[str, Any], quick_study: dict[str, Any]
) -> None:
    one, two = jobs.add(long_study, "long"), jobs.add(quick_study, "quick")
    jobs.start()
    while not jobs.events(one.id):
        time.sleep(0.05)
    found = subprocess.run(["pgrep", "-f", one.id], capture_output=True, text=True, check=True)
    for number in found.stdout.split():
        os.kill(int(number), signal.SIGKILL)
    failed = wait_for(jobs, one.id)
    assert failed.state == FAILED and "exit code" in failed.error
    assert wait_for(jobs, two.id).state == DONE


@pytest.mark.slow
def test_a_server_that_ends_leaves_its_job_to_the_next(folder: Path, long_study: dict[str, Any]) -> None:
    first = Jobs(folder)
    job = first.add(long_study, "long")
    first.start()
    wait_for(first, job.id, RUNNING)
    while not first.events(job.id):
        time.sleep(0.05)
    first.close()
    stored = json.loads((folder / "jobs" / job.id / "job.json").read_text(encoding="utf-8"))
    assert stored["state"] == QUEUED
    second = Jobs(folder)
    second.start()
    wait_for(second, job.id, RUNNING)
    second.cancel(job.id)
    assert wait_for(second, job.id).state == CANCELLED
    second.close()


@pytest.mark.slow
def test_a_server_that_is_killed_loses_no_job_and_leaves_no_process(folder: Path, long_study: dict[str, Any]) -> None:
    code = (
        "import json, sys, time\nfrom pathlib import Path\nfrom dawndusk.studies.web.jobs import Jobs\n"
        "jobs = Jobs(Path(sys.argv[1]))\njob = jobs.add(json.loads(sys.argv[2]), 'long')\njobs.start()\n"
        "while not jobs.events(job.id):\n    time.sleep(0.05)\nprint(job.id, flush=True)\ntime.sleep(600)\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), json.dumps(long_study)], stdout=subprocess.PIPE, text=True
    )
    with server:
        assert server.stdout is not None
        name = server.stdout.readline().strip()
        server.kill()
    deadline = time.monotonic() + 60.0
    while subprocess.run(["pgrep", "-f", name], capture_output=True, check=False).returncode == 0:
        assert time.monotonic() < deadline, "the worker outlives the server"
        time.sleep(0.1)
    after = Jobs(folder)
    after.start()
    assert wait_for(after, name, RUNNING).state == RUNNING
    after.cancel(name)
    wait_for(after, name)
    after.close()


def test_two_servers_do_not_share_a_folder(jobs: Jobs) -> None:
    with pytest.raises(DawnduskError, match=f"another explorer at work in it .process {os.getpid()}"):
        Jobs(jobs.folder)


def test_a_folder_that_can_not_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DawnduskError, match="can not be written"):
        Jobs(tmp_path / "file")


def test_the_queue_has_an_end(jobs: Jobs, quick_study: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    assert MOST_WAITING > 2
    for _ in range(2):
        jobs.add(quick_study, "quick")
    with pytest.raises(BusyError, match="found 2 that wait"):
        jobs.add(quick_study, "quick")


def test_a_damaged_job_on_disk_is_passed_over(folder: Path, quick_study: dict[str, Any]) -> None:
    (folder / "jobs" / "broken").mkdir(parents=True)
    (folder / "jobs" / "broken" / "job.json").write_text("{", encoding="utf-8")
    made = Jobs(folder)
    made.start()
    assert made.all() == []
    made.close()


def test_a_line_that_is_still_being_written_waits(jobs: Jobs, quick_study: dict[str, Any]) -> None:
    job = jobs.add(quick_study, "quick")
    path = jobs.jobs / job.id / "events.jsonl"
    path.write_text('{"stage": "one"}\n{"sta', encoding="utf-8")
    assert jobs.events(job.id) == [{"stage": "one"}]
    path.write_text('{"stage": "one"}\n{"stage": "two"}\n', encoding="utf-8")
    assert jobs.events(job.id, 1) == [{"stage": "two"}]
