"""Figures of several contenders over several rounds, and what is worked out from them.

Pure. A cell is the median over the rounds. A ratio is the median of the ratios within each round,
so that what slows the whole machine for a while slows both sides of it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from bench.contenders import Contender

__all__ = ["Column", "Goal", "Table", "run_rounds"]

Sample = Mapping[str, float]


@dataclass(frozen=True)
class Column:
    """A figure that is shown: value * scale, with so many digits.

    is_compared: a further column shows its ratio to that of the table's reference.
    """

    heading: str
    key: str
    scale: float = 1.0
    digits: int = 0
    is_compared: bool = False

    def show(self, value: float) -> str:
        return f"{value * self.scale:,.{self.digits}f}"


@dataclass(frozen=True)
class Goal:
    """A promise: this figure of one contender is at most `at_most` times that of another."""

    text: str
    key: str
    contender: Contender
    against: Contender
    at_most: float


@dataclass
class Table:
    """The figures of one part of the benchmarks; `reference` is whom all are compared with."""

    title: str
    columns: tuple[Column, ...]
    reference: Contender
    goals: tuple[Goal, ...] = ()
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def add(self, contender: Contender, sample: Sample) -> None:
        """Take in what one contender did in one round."""
        self.samples[contender.label].append(sample)

    def rows(self) -> list[list[str]]:
        """Return the cells, headings first."""
        rows = [[""], *([label] for label in self.samples)]
        for column in self.columns:
            rows[0].append(column.heading)
            if column.is_compared:
                rows[0].append(f"÷ {self.reference.label}")
            for row in rows[1:]:
                row.append(self._cell(column, row[0]))
                if column.is_compared:
                    row.append(f"{self._ratio(column.key, row[0], self.reference.label):.2f}")
        return rows

    def verdicts(self) -> list[str]:
        """Return a line for each goal: what was promised, what came out."""
        return [self._verdict(goal) for goal in self.goals]

    def _cell(self, column: Column, label: str) -> str:
        return column.show(median(sample[column.key] for sample in self.samples[label]))

    def _ratio(self, key: str, label: str, against: str) -> float:
        pairs = zip(self.samples[label], self.samples[against], strict=True)
        return median(one[key] / other[key] for one, other in pairs)

    def _verdict(self, goal: Goal) -> str:
        ratio = self._ratio(goal.key, goal.contender.label, goal.against.label)
        word = "met" if ratio <= goal.at_most else "MISSED"
        return f"{goal.text}: {ratio:.2f} (goal: at most {goal.at_most:.2f}): {word}"


def run_rounds(
    table: Table,
    contenders: Iterable[Contender],
    rounds: int,
    run: Callable[[Contender], Sample],
    say: Callable[[str], None],
) -> Table:
    """Let the contenders alternate, forth and back, so that a drift hits all of them alike."""
    order = list(contenders)
    for contender in order:
        table.samples[contender.label] = []
    for number in range(1, rounds + 1):
        for contender in order if number % 2 else reversed(order):
            say(f"{table.title}: round {number} of {rounds}: {contender.label}")
            table.add(contender, run(contender))
    return table
