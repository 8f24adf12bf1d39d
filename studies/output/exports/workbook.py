"""The workbook of a plan: a first sheet that says what it is, and a sheet for every table, laid out to be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from dawndusk.studies.run.plan.result import PlanResult

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

ABOUT = "about"
NARROWEST, WIDEST = 9, 60
"""Widths of columns in characters."""
WHOLE, SHARE, FINE = "#,##0", "0.00%", "#,##0.0000"
SHARES = ("share", "gap", "discount_rate", "probability")
FINE_BELOW = 100.0
"""Amounts up to here are shown with decimals."""


def fill_workbook(result: PlanResult, tables: Mapping[str, pd.DataFrame], file: Path) -> Path:
    """Write the tables of a plan as a workbook."""
    with pd.ExcelWriter(file, engine="openpyxl") as writer:
        about_table(result).to_excel(writer, sheet_name=ABOUT, index=False)
        for name, table in tables.items():
            table.to_excel(writer, sheet_name=name, index=False)
        for name, sheet in writer.sheets.items():
            _lay_out(sheet, frozen="A2" if name == ABOUT else "B2")
    return file


def about_table(result: PlanResult) -> pd.DataFrame:
    """Return what a plan is and what it comes to, as pairs."""
    content = result.to_dict()
    about: dict[str, Any] = {"title": result.question.study.title}
    about |= {key: value for key, value in content.items() if not isinstance(value, list | dict)}
    about |= {key: value for key, value in (content["summary"] or {}).items() if not isinstance(value, dict)}
    about |= {"designs": ", ".join(content["designs"])}
    about |= {f"not used: {name}": reason for name, reason in content["left_out"].items()}
    return pd.DataFrame({"what": list(about), "value": list(about.values())})


def _lay_out(sheet: Worksheet, frozen: str) -> None:
    """Make heads bold, columns as wide as what they hold, and numbers as long as they mean something."""
    sheet.freeze_panes = frozen
    for number, column in enumerate(sheet.iter_cols(), start=1):
        head = str(column[0].value)
        column[0].font, column[0].alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        longest = max(len(word) for word in head.replace("_", " ").split())
        for cell in column[1:]:
            if isinstance(cell.value, float):
                cell.number_format = _format(head, cell.value)
                longest = max(longest, len(f"{cell.value:,.0f}") + 2)
            elif cell.value is not None:
                longest = max(longest, len(str(cell.value)))
        sheet.column_dimensions[get_column_letter(number)].width = min(max(longest + 1, NARROWEST), WIDEST)


def _format(head: str, value: float) -> str:
    if any(head.endswith(word) for word in SHARES):
        return SHARE
    return FINE if abs(value) < FINE_BELOW and value != round(value) else WHOLE
