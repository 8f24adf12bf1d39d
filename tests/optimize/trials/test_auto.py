from __future__ import annotations

import pytest

from dawndusk.optimize.problem import Goal
from dawndusk.optimize.space.dimensions import Point, RealNumber, Space, Value
from dawndusk.optimize.trials.question import History, Question, Trial, TrialAnswer
from dawndusk.optimize.trials.samplers.auto import BEARABLE_S, PhasedSampler, SamplerChoice, chosen, usual_batch
from dawndusk.optimize.trials.samplers.population import PopulationSampler
from dawndusk.optimize.trials.samplers.surrogate import SurrogateSampler

TWO = Question(Space({"x": RealNumber(0.0, 1.0), "y": RealNumber(0.0, 1.0)}), (Goal("a"), Goal("b")), ("rule",))


def choice(evaluations: int, evaluation_s: float, question: Question = TWO, batch: int = 10) -> SamplerChoice:
    return chosen(question, evaluations=evaluations, batch=batch, evaluation_s=evaluation_s)


def test_few_or_costly_evaluations_are_worth_models() -> None:
    for found in (choice(100, 1e-4), choice(5000, 10.0)):
        assert isinstance(found.sampler, SurrogateSampler)
        assert found.words.startswith("auto chose surrogate: ")


def test_many_cheap_evaluations_are_bred() -> None:
    found = choice(10_000_000, 1e-7, batch=1)
    assert isinstance(found.sampler, PhasedSampler | PopulationSampler)
    assert "population" in found.words
    assert "10,000,000 evaluations of 0.1 µs" in found.words


def test_in_between_models_come_first_and_stop_when_their_time_is_spent() -> None:
    found = choice(100_000, 1e-4)
    assert isinstance(found.sampler, PhasedSampler)
    assert 0 < found.sampler.until < 100_000
    assert f"{found.sampler.until:,} evaluations, then population" in found.words
    assert found.sampler.until < 10 * BEARABLE_S / 0.2


def test_more_goals_than_can_be_modelled_are_bred() -> None:
    many = Question(TWO.space, tuple(Goal(name) for name in "abcdef"))
    found = choice(100, 100.0, many)
    assert isinstance(found.sampler, PopulationSampler)
    assert "6 goals and 2 variables are too many to model" in found.words


def test_every_choice_is_one_sentence() -> None:
    for evaluations, seconds in ((50, 1.0), (100_000, 1e-4), (10**7, 1e-7), (3000, 0.02)):
        words = choice(evaluations, seconds).words
        assert words.endswith(".")
        assert "\n" not in words


def test_the_same_cost_gives_the_same_choice() -> None:
    assert choice(100_000, 1e-4) == choice(100_000, 1e-4)


def test_phases_hand_over_at_the_trial_they_say() -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self.name, self.calls = name, 0

        def propose(self, history: History, count: int, **_: object) -> list[dict[str, Value]]:
            self.calls += 1
            point: dict[str, Value] = {"x": 0.01 * len(history), "y": 0.5}
            return [point][:count]

    first, then = Named("first"), Named("then")
    phased, history = PhasedSampler(first, 3, then), History(TWO)
    for number in range(5):
        point: Point
        (point,) = phased.propose(history, 1, seed=1, batch=number)
        history.add(Trial(number, point, TrialAnswer({"a": 0.0, "b": 0.0}, {"rule": 0.0})))
    assert (first.calls, then.calls) == (3, 2)
    assert phased.name == "first, then then"


@pytest.mark.parametrize(("evaluations", "batch"), [(1, 1), (50, 1), (200, 4), (2000, 40), (10**6, 64)])
def test_the_usual_batch_grows_with_the_budget(evaluations: int, batch: int) -> None:
    assert usual_batch(evaluations) == batch
