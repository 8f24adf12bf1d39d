"""What is raised when a certificate can not be made, or can not be right."""

from __future__ import annotations

from dawndusk.models.errors import DawnduskError


class CertificateError(DawnduskError):
    """A feasible design beats a proved bound: one of the two is wrong, and the message names both."""


class EnclosureError(CertificateError):
    """The least of a quantity over a box is above its greatest although no rule has ended its range.

    Every quantity has a value at every design, so that an enclosure that is empty is wrong. Never read as "this box
    holds nothing".
    """


class NotBoundedError(DawnduskError):
    """The model has an operation for which no bound is known."""


class UnenclosedError(NotBoundedError):
    """A function of the model asks to be bounded as a whole, and no enclosure of it is registered.

    An enclosure is registered by ``functions.enclosures.encloses`` where it is defined.
    """
