"""Where reports are printed."""

from __future__ import annotations

import os

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 110


def console(*, stderr: bool = False) -> Console:
    """Return a console; where its output is not a terminal it has the width that ``COLUMNS`` says, or a fixed one."""
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal and not os.environ.get("COLUMNS", "").isdecimal():
        made.width = WIDTH_WITHOUT_TERMINAL
    return made
