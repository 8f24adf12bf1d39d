"""Wall time of `import dawndusk` and `dawndusk --help`, each as a fresh process, beside the goals."""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

DEFAULT_RUNS = 15
GOALS_S = {"import dawndusk": 0.15, "dawndusk --help": 0.30}
COMMANDS = {
    "import dawndusk": [sys.executable, "-c", "import dawndusk"],
    "dawndusk --help": [str(Path(sys.executable).with_name("dawndusk")), "--help"],
}


def wall_time_s(command: list[str]) -> float:
    """Seconds from start to end of one process; raise if it fails."""
    start_s = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start_s


def measure(command: list[str], runs: int) -> list[float]:
    """Wall times of `runs` processes, after one that warms the disk cache and writes the byte code."""
    wall_time_s(command)
    return [wall_time_s(command) for _ in range(runs)]


def row(name: str, times_s: list[float]) -> str:
    """One line of the table: minimum, median, maximum, goal, and whether the median meets it."""
    median_s = statistics.median(times_s)
    verdict = "met" if median_s <= GOALS_S[name] else "missed"
    figures = (min(times_s), median_s, max(times_s), GOALS_S[name])
    return f"{name:<16}" + "".join(f"{figure:9.3f}" for figure in figures) + f"  {verdict}"


def main() -> None:
    """Measure every command and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=DEFAULT_RUNS, help="fresh processes per command")
    runs = parser.parse_args().runs
    print(f"seconds, {runs} fresh processes each")
    print(f"{'':<16}{'min':>9}{'median':>9}{'max':>9}{'goal':>9}")
    for name, command in COMMANDS.items():
        print(row(name, measure(command, runs)))


if __name__ == "__main__":
    main()
