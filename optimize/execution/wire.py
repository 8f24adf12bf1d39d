"""Parcels between processes: a pickle each, with its length in front."""

from __future__ import annotations

import pickle
import struct
from dataclasses import replace
from typing import Any, BinaryIO

from dawndusk.optimize.execution.tasks import AttemptOutcome, ExecutionError, TaskFailure

HEADER = struct.Struct("<Q")


def pack(thing: object, what: str) -> bytes:
    """Return a parcel; raise ``ExecutionError`` that names what can not be sent."""
    try:
        return pickle.dumps(thing, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # a __reduce__ may raise anything
        raise ExecutionError(f"{what}: can not be sent to another process: {_said(error)}") from error


def pack_outcome(outcome: AttemptOutcome) -> bytes:
    """Return an outcome as a parcel; what can not be sent is a failure of its own."""
    failure = outcome.failure
    if failure is not None and not _survives(failure.error):
        outcome = replace(outcome, failure=replace(failure, error=None))
    try:
        return pack(outcome, f"result of type {type(outcome.result).__name__}")
    except ExecutionError as error:
        return pickle.dumps(AttemptOutcome(failure=TaskFailure("payload", str(error)), seconds=outcome.seconds))


def unpack_outcome(parcel: bytes) -> AttemptOutcome:
    """Return the outcome in a parcel; what can not be taken in is a failure of its own."""
    try:
        found = pickle.loads(parcel)
    except Exception as error:
        return AttemptOutcome(failure=TaskFailure("payload", f"result: can not be taken in: {_said(error)}"))
    assert isinstance(found, AttemptOutcome)
    return found


def unpack(parcel: bytes, what: str) -> Any:
    """Return what is in a parcel; raise ``ExecutionError`` that says what can not be taken in."""
    try:
        return pickle.loads(parcel)
    except Exception as error:
        raise ExecutionError(f"{what}: can not be taken in by another process: {_said(error)}") from error


def send(stream: BinaryIO, parcel: bytes) -> None:
    """Write a parcel."""
    stream.write(HEADER.pack(len(parcel)))
    stream.write(parcel)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """Read a parcel, or nothing where the other end is gone."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    parcel = stream.read(length)
    return parcel if len(parcel) == length else None


def _survives(error: Exception | None) -> bool:
    """Return whether an exception comes out as it went in; many take other arguments than they keep."""
    try:
        copy = pickle.loads(pickle.dumps(error))
    except Exception:
        return False
    return type(copy) is type(error) and str(copy) == str(error)


def _said(error: Exception) -> str:
    hint = "; what the script that was started defines belongs in a module" if "__main__" in str(error) else ""
    return f"{type(error).__name__}: {error}{hint}"
