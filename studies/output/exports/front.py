"""A finished front in the formats of other programs. A file is written whole or not at all."""

from __future__ import annotations

import errno
import importlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dawndusk.models.design import VARIABLES
from dawndusk.models.errors import DawnduskError, MissingExtraError, nearest, one_of
from dawndusk.models.outcome import OUTCOMES
from dawndusk.studies.input.document import MAX_PLACE, shorten
from dawndusk.studies.output.pictures.front import draw_front
from dawndusk.studies.run.folder.reading import read_manifest
from dawndusk.studies.run.folder.writing import MANIFEST, UNFINISHED
from dawndusk.studies.run.front.runner import FRONT_JSON, FRONT_TABLE

if TYPE_CHECKING:
    import pandas as pd

READABLE = 0o644
NETCDF_CONVENTION = "CF-1.10"
NUMERIC = "biufc"
"""Kinds of arrays that are numbers, as NumPy names them."""


class FrontExportError(DawnduskError):
    """A front that can not be exported: no such run, format or library, or a file that can not be written."""


def export_front(run_folder: Path, target: str) -> Path:
    """Write the front of a run folder as CSV, Parquet, JSON, XLSX, netCDF, PNG or SVG, and return the file.

    Parameters
    ----------
    run_folder : pathlib.Path
        Of a finished run of kind ``pareto``.
    target : str
        The name of a format (``csv``, ``parquet``, ``json``, ``xlsx``, ``netcdf``, ``png``, ``svg``): the file is then
        ``NAME-front.ENDING`` in the working directory, named for the run folder. Or a file whose name ends like that.

    Raises
    ------
    FrontExportError
        For a folder without a front, an unknown format, a library that is not installed, or a file that can not be
        written.
    """
    content, frame = _read(run_folder)
    name, path = format_of(run_folder, target, "front")
    write_whole(path, lambda fresh: WRITERS[name](fresh, content, frame))
    return path


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file by what writes it, whole or not at all; folders on its way are made.

    Raises
    ------
    FrontExportError
        Where it can not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "found a folder; allowed: a file")
        handle, name_of_fresh = tempfile.mkstemp(prefix=UNFINISHED, suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    fresh = Path(name_of_fresh)
    try:
        write(fresh)
        fresh.chmod(READABLE)
        fresh.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        fresh.unlink(missing_ok=True)


def _unwritable(path: Path, error: Exception) -> FrontExportError:
    reason = getattr(error, "strerror", None) or error
    return FrontExportError(f"{shorten(str(path), MAX_PLACE)}: can not be written: {reason}")


def _read(folder: Path) -> tuple[Mapping[str, Any], pd.DataFrame]:
    """Return the content of ``front.json`` and the table of a run folder."""
    import pandas as pd  # noqa: PLC0415 (heavy)

    place = shorten(str(folder), MAX_PLACE)
    try:
        if (folder / MANIFEST).is_file():
            read_manifest(folder)
        content = json.loads((folder / FRONT_JSON).read_text(encoding="utf-8"))
        frame = pd.read_parquet(folder / f"{FRONT_TABLE}.parquet")
        points, goals = content["points"], content["goals"]
    except FileNotFoundError:
        held = "a run without a front" if (folder / MANIFEST).is_file() else "no run"
        raise FrontExportError(f"{place}: found {held}; allowed: the folder of a finished run of kind pareto") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FrontExportError(f"{place}: found a damaged {FRONT_JSON} or table: {error}") from None
    if len(points) != len(frame) or not goals:
        raise FrontExportError(f"{place}: found {len(points)} points in {FRONT_JSON} and {len(frame)} in the table")
    return content, frame


ENDINGS = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".json": "json",
    ".xlsx": "xlsx",
    ".nc": "netcdf",
    ".png": "png",
    ".svg": "svg",
}
"""Formats by the ending of a file's name."""


def format_of(folder: Path, target: str, what: str) -> tuple[str, Path]:
    """Return the name of a format and the file to write: the one that is named, or one for a run folder and what of it.

    Raises
    ------
    FrontExportError
        Where there is no such format.
    """
    ending = {name: suffix for suffix, name in ENDINGS.items()}.get(target.lower())
    if ending is not None:
        return target.lower(), Path(f"{folder.resolve().name}-{what}{ending}")
    path = Path(target)
    if "\0" in target:
        raise _unwritable(path, ValueError("embedded null character"))
    if path.suffix.lower() in ENDINGS:
        return ENDINGS[path.suffix.lower()], path
    known = [*ENDINGS.values(), *(f"FILE{suffix}" for suffix in ENDINGS)]
    raise FrontExportError(
        f"format: found {shorten(target, MAX_PLACE)!r}; allowed {one_of(known)}{nearest(target, known)}"
    )


def _csv(path: Path, _: Mapping[str, Any], frame: pd.DataFrame) -> None:
    frame.to_csv(path, index=False)


def _parquet(path: Path, _: Mapping[str, Any], frame: pd.DataFrame) -> None:
    frame.to_parquet(path, index=False)


def _json(path: Path, content: Mapping[str, Any], _: pd.DataFrame) -> None:
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _xlsx(path: Path, content: Mapping[str, Any], frame: pd.DataFrame) -> None:
    """Write the points, the certificates of the ends, the exchange rates and the meaning of every column."""
    require("openpyxl", "XLSX")
    import pandas as pd  # noqa: PLC0415 (heavy)

    ends, exchanges = (pd.DataFrame(content[key]) for key in ("ends", "exchanges"))
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        frame.to_excel(book, sheet_name="front", index=False, freeze_panes=(1, 1))
        ends.to_excel(book, sheet_name="ends", index=False)
        exchanges.to_excel(book, sheet_name="exchanges at the knee", index=False)
        _columns(frame).to_excel(book, sheet_name="columns", index=False)


def _columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return units and meaning of every column of a front."""
    import pandas as pd  # noqa: PLC0415 (heavy)

    rows = [(name, *described(str(name), OWN_COLUMNS)) for name in frame.columns]
    return pd.DataFrame(rows, columns=["column", "units", "meaning"])


OWN_COLUMNS = {
    "point": ("count", "Number of the point."),
    "bound": ("as the first goal", "No design is better in the first goal and as good in every other one."),
    "knee": ("-", "Whether the point is a knee of the front."),
}


def described(name: str, own: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """Return units and meaning of a column: an outcome, a variable, or one of the table's own."""
    if name in own:
        return own[name]
    known = OUTCOMES.get(name.removeprefix("outcome.")) or VARIABLES.get(name)
    return (known.units, known.meaning) if known is not None else ("", "")


def _netcdf(path: Path, content: Mapping[str, Any], frame: pd.DataFrame) -> None:
    about = {
        "title": f"Front of {content['study']}",
        "goals": one_of(f"{goal['sense']} {goal['outcome']}" for goal in content["goals"]),
        "seed": content["seed"],
        "certificates": json.dumps(content["ends"]),
    }
    netcdf(path, frame, "point", about, OWN_COLUMNS, index="point")


def netcdf(
    path: Path,
    frame: pd.DataFrame,
    dimension: str,
    about: Mapping[str, Any],
    own: Mapping[str, tuple[str, str]],
    *,
    index: str,
) -> None:
    """Write one variable for each column along a dimension, with units and long names."""
    for module in ("xarray", "h5netcdf", "h5py"):
        require(module, "netCDF")
    import xarray as xr  # noqa: PLC0415 (an extra)

    data = xr.Dataset(coords={dimension: frame[index].to_numpy()})
    for name in frame.columns.drop(index):
        column = frame[name].to_numpy()
        numeric = column.dtype.kind in NUMERIC
        values = column if numeric else column.astype(str).astype(object)
        values = values.astype("int8") if values.dtype == bool else values
        units, meaning = described(str(name), own)
        data[str(name)] = (dimension, values, {"units": units, "long_name": meaning})
    data.attrs = {"Conventions": NETCDF_CONVENTION, **about}
    data.to_netcdf(path, engine="h5netcdf")


def _picture(path: Path, content: Mapping[str, Any], _: pd.DataFrame) -> None:
    draw_front(content, path)


WRITERS: dict[str, Callable[[Path, Mapping[str, Any], Any], None]] = {
    "csv": _csv,
    "parquet": _parquet,
    "json": _json,
    "xlsx": _xlsx,
    "netcdf": _netcdf,
    "png": _picture,
    "svg": _picture,
}


def require(module: str, what: str) -> None:
    """Raise unless a library of the extra for exports is installed."""
    try:
        importlib.import_module(module)
    except ImportError:
        raise MissingExtraError(what, module, "export") from None
