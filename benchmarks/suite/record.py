"""Run a benchmark and keep what it prints, with the machine it ran on, for the page of benchmarks.

``python benchmarks/suite/record.py benchmarks/startup.py --runs 5`` writes ``docs/benchmarks/startup.json``, which
``docs/_generate.py`` turns into a part of the page. Nothing is kept of a benchmark that fails.
"""

from __future__ import annotations

import ast
import json
import os
import platform
import resource
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import dawndusk

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "benchmarks"
LIBRARIES = ("numpy", "scipy", "highspy", "optuna")
BUSY = 0.25
"""Work of others, in cores, from which on times are upper ends."""


def machine() -> dict[str, Any]:
    """Return the machine in words: processor, cores, memory, system, versions, and how busy it is."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
        "busy_cores": round(os.getloadavg()[0], 1),
    }


def processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def about(script: Path) -> str:
    """Return the first line of the docstring of a script."""
    return (ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or script.stem).partition("\n")[0]


def recorded(script: Path, arguments: list[str]) -> dict[str, Any]:
    """Run a benchmark and return what it printed; its lines are shown on the way.

    Raises
    ------
    SystemExit
        With the exit code of a benchmark that fails.
    """
    found: dict[str, Any] = {"benchmark": script.stem, "about": about(script), "arguments": arguments}
    found |= {"dawndusk": dawndusk.__version__, "machine": machine()}
    lines = []
    command = [sys.executable, "-u", str(script), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            lines.append(line.rstrip())
    if process.returncode:
        raise SystemExit(process.returncode)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = round(used.ru_utime + used.ru_stime, 1)
    return {**found, "finished": datetime.now(UTC).date().isoformat(), "cpu_s": cpu_s, "output": lines}


def main() -> None:
    """Run the benchmark that the first argument names, with the others, and keep what it printed."""
    if len(sys.argv) == 1:
        raise SystemExit(f"usage: {Path(sys.argv[0]).name} BENCHMARK [ARGUMENT]...")
    script = Path(sys.argv[1])
    if not script.is_file():
        raise SystemExit(f"{script}: found no such file; allowed: a script of benchmarks/")
    found = recorded(script, sys.argv[2:])
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{script.stem}.json"
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
