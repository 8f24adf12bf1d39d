"""Optimisation and design-space search for orbital AI data centres."""

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dawndusk.models.assumptions import Assumptions
    from dawndusk.models.design import Design, DesignBatch
    from dawndusk.models.errors import DawnduskError
    from dawndusk.models.outcome import Outcome
    from dawndusk.optimize.errors import CertificateError
    from dawndusk.studies.api import (
        EvaluatedBatch,
        Study,
        certify,
        evaluate,
        load,
        milp_model,
        pareto,
        plan,
        plan_model,
    )
    from dawndusk.studies.run.design.ground import GroundResult
    from dawndusk.studies.run.design.results import Evaluated, RunResult
    from dawndusk.studies.run.front.runner import FrontResult
    from dawndusk.studies.run.plan.result import PlanResult

__version__ = "0.1.0"

__all__ = [
    "Assumptions",
    "CertificateError",
    "DawnduskError",
    "Design",
    "DesignBatch",
    "Evaluated",
    "EvaluatedBatch",
    "FrontResult",
    "GroundResult",
    "Outcome",
    "PlanResult",
    "RunResult",
    "Study",
    "__version__",
    "certify",
    "evaluate",
    "load",
    "milp_model",
    "pareto",
    "plan",
    "plan_model",
]

# Imported on first use, so that `import dawndusk` and `dawndusk --help` stay quick.
_PUBLIC_NAMES = {
    "Assumptions": "dawndusk.models.assumptions:Assumptions",
    "CertificateError": "dawndusk.optimize.errors:CertificateError",
    "DawnduskError": "dawndusk.models.errors:DawnduskError",
    "Design": "dawndusk.models.design:Design",
    "DesignBatch": "dawndusk.models.design:DesignBatch",
    "Evaluated": "dawndusk.studies.run.design.results:Evaluated",
    "EvaluatedBatch": "dawndusk.studies.api:EvaluatedBatch",
    "FrontResult": "dawndusk.studies.run.front.runner:FrontResult",
    "GroundResult": "dawndusk.studies.run.design.ground:GroundResult",
    "Outcome": "dawndusk.models.outcome:Outcome",
    "PlanResult": "dawndusk.studies.run.plan.result:PlanResult",
    "RunResult": "dawndusk.studies.run.design.results:RunResult",
    "Study": "dawndusk.studies.api:Study",
    "certify": "dawndusk.studies.api:certify",
    "evaluate": "dawndusk.studies.api:evaluate",
    "load": "dawndusk.studies.api:load",
    "milp_model": "dawndusk.studies.api:milp_model",
    "pareto": "dawndusk.studies.api:pareto",
    "plan": "dawndusk.studies.api:plan",
    "plan_model": "dawndusk.studies.api:plan_model",
}

# A checkout without symbolic links finds the layers at its root, two folders up.
if not os.path.isdir(os.path.join(__path__[0], "models")):  # noqa: PTH112, PTH118 (pathlib costs start-up time)
    __path__.append(os.path.join(__path__[0], os.pardir, os.pardir))  # noqa: PTH118


def __getattr__(name: str) -> object:
    """Import a public name on its first use."""
    if name not in _PUBLIC_NAMES:
        known = ", ".join(__all__)
        raise AttributeError(f"module 'dawndusk' has no attribute {name!r}; its public names are {known}")
    module_name, _, attribute = _PUBLIC_NAMES[name].partition(":")
    value: object = getattr(import_module(module_name), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
