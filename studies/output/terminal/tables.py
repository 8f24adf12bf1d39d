"""Tables as every report draws them."""

from __future__ import annotations

from rich import box
from rich.table import Table


def table(title: str, *columns: str) -> Table:
    """Return an empty table: text to the left in the first column, numbers to the right in the others."""
    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for position, column in enumerate(columns):
        made.add_column(column, justify="left" if position == 0 else "right", overflow="fold")
    return made


def names_table(title: str, *columns: str) -> Table:
    """Return a table whose first column holds names, which are never broken."""
    made = table(title, *columns)
    made.columns[0].no_wrap = True
    return made
