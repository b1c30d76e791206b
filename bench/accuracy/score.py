# SPDX-License-Identifier: MIT
"""Errors of predictions against measurements, by quantile, and what the intervals hold."""

from dataclasses import dataclass


@dataclass
class Row:
    """One prediction beside its measurement, in the same unit; `factor` is the stated error."""
    id: str
    group: str
    predicted: float
    measured: float
    factor: float = 0

    @property
    def error(self):
        return abs(self.predicted / self.measured - 1)

    @property
    def inside(self):
        return self.measured / self.factor <= self.predicted <= self.measured * self.factor


def quantile(values, share):
    """The smallest value that at least that share of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 1).__int__() - 1)]


@dataclass
class Score:
    name: str
    rows: list
    refused: int = 0  # rows that the library cannot be asked

    @property
    def stated(self):
        """How many rows carry a stated error."""
        return sum(row.factor > 1 for row in self.rows)

    def figures(self):
        errors = [row.error for row in self.rows]
        made = {'median': quantile(errors, .5), 'p90': quantile(errors, .9),
                'p95': quantile(errors, .95), 'mean': sum(errors) / len(errors),
                'worst': max(errors),
                'near': sum(error <= .05 for error in errors) / len(errors),
                'exact': sum(error == 0 for error in errors) / len(errors)}
        stated = [row for row in self.rows if row.factor > 1]
        if stated:
            made['held'] = sum(row.inside for row in stated) / len(stated)
            made['factor'] = quantile([row.factor for row in stated], .5)
        return made
