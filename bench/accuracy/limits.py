# SPDX-License-Identifier: MIT
"""What each score must keep: limits of errors, and of what the stated intervals hold."""

import json
from dataclasses import dataclass
from pathlib import Path

EXACT = {'exact': .9, 'p95': .001}
BYTES = {'p95': .001}
# Most that a figure may be, or least for `exact`, by the name of a score.
ERRORS = {
    'parameters by config.json': EXACT, 'parameters that a loader counts': EXACT,
    'bytes of checkpoints': EXACT, 'bytes of GGUF tensors': BYTES, 'bytes of GGUF files': BYTES,
    'bytes of MLX checkpoints': BYTES,
    'llama.cpp allocator, per device': {'median': .001, 'p95': .01, 'worst': .03},
    'llama.cpp allocator, model': {'p95': .01}, 'llama.cpp allocator, context': {'p95': .01},
    'llama.cpp allocator, compute': {'p95': .01}, 'llama.cpp allocator, host': {'p95': .01},
    'llama.cpp logs, keys and values': {'median': .0001, 'p90': .001},
    'memory of a run, transformers and llama.cpp': {'median': .03, 'p90': .08},
    'vLLM and SGLang, tokens of a pool': {'median': .01, 'p90': .05},
    'vLLM, all but the pool': {'median': .03, 'p90': .08},
    'models that get no plan': {'mean': 0}, 'cache bytes of a token': {'worst': 1e-6},
    'runs that fitted, said not to': {'mean': .03},
    'servers that fitted, said not to': {'mean': .03},
    'runs out of memory, said to fit': {'mean': 0},
    'training out of memory, said to fit': {'mean': 0},
    'Megatron resident': {'median': .02, 'p90': .10}, 'Megatron peak': {'median': .02, 'p90': .10},
    'Megatron resident, world size assumed': {'median': .02, 'p90': .10},
    'Megatron peak, world size assumed': {'median': .02, 'p90': .10},
    'training memory': {'median': .10, 'p90': .20},
    'training steps': {'median': .10, 'p90': .25},
    'single: tokens per second': {'median': .10}, 'single: prompts per second': {'median': .20},
    'serving: tpot': {'mean': .15}, 'serving: ttft': {'mean': .25},
    'cost of a million tokens': {'worst': 1e-6},
    'kernels': {'median': .08}, 'collectives': {'median': .05},
}
CHOICE = {'median': .05}
# Intervals are stated to hold 80 % of rows; fewer rows than these prove nothing of that. One that
# is as narrow as NARROW may hold more: there are predictions without any error.
HELD, FEWEST, NARROW = (.75, .85), 100, 1.01
FACTORS = {'memory': 1.10, 'speed': 1.50}
MEMORY = ('llama.cpp', 'memory', 'vLLM', 'training memory', 'Megatron', 'intervals of memory')


def kind(score):
    """Which of the factors an interval of the score must keep."""
    return 'memory' if score.name.startswith(MEMORY) else 'speed'


def limits(score):
    """Least and most of each figure of the score that has a limit."""
    found = ERRORS.get(score.name, {})
    if score.name.startswith('choice: ') and not score.name.endswith(' at random'):
        found = CHOICE
    made = {name: (limit, 1) if name == 'exact' else (0, limit) for name, limit in found.items()}
    pooled = score.name.startswith('intervals of ')
    if (found or pooled) and score.stated >= FEWEST:
        least, most = HELD
        narrow = score.figures()['factor'] <= NARROW
        made |= {'held': (least, 1 if narrow else most), 'factor': (1, FACTORS[kind(score)])}
    return made


@dataclass
class Verdict:
    figure: str
    least: float
    most: float
    value: float

    @property
    def kept(self):
        return self.least <= self.value <= self.most

    def __str__(self):
        if self.figure == 'factor':
            text = f'factor ≤ {self.most:.2f}'
        elif self.figure == 'held':
            text = f'held ≥ {self.least:.0%}' if self.most == 1 else \
                f'held {self.least:.0%} to {self.most:.0%}'
        elif self.figure == 'exact':
            text = f'exact ≥ {self.least:.0%}'
        else:
            text = f'{self.figure} ≤ {self.most:.3g}' if self.most > 1 else \
                f'{self.figure} ≤ {self.most * 100:.3g}%'
        return text if self.kept else f'MISSED {text}'


def verdicts(score):
    """Each limit of the score beside its figure."""
    if not score.rows:
        return []
    figures = score.figures()
    return [Verdict(name, least, most, figures[name])
            for name, (least, most) in limits(score).items() if name in figures]


def open_misses():
    """Figures that the project's own tables are known to miss, with how bad they may be."""
    return json.loads((Path(__file__).parent / 'data' / 'open.json').read_text())['scores']


def tolerated(score, verdict, known):
    """Whether a miss is on the list, and no worse than it says."""
    worst = known.get(score.name, {}).get(verdict.figure)
    if worst is None:
        return False
    return worst <= verdict.value if verdict.value < verdict.least else verdict.value <= worst
