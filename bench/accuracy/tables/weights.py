# SPDX-License-Identifier: MIT
"""Parameters and bytes of published checkpoints, by their config.json or by their name."""

import json

from library import Refused
from score import Row, Score

TABLE = 'weights'
# Numbers that a row of a scraped total has of its model's config.json.
NUMBERS = {'layers': 'num_hidden_layers', 'hidden': 'hidden_size', 'heads': 'num_attention_heads',
           'kv_heads': 'num_key_value_heads', 'head_dim': 'head_dim', 'vocab': 'vocab_size',
           'ffn_or_moe_ffn': 'intermediate_size'}


def configs(folder):
    path = folder / 'models.json'
    rows = json.loads(path.read_text())['rows'] if path.exists() else []
    return {row['id']: complete(row['config']) for row in rows}


def complete(config):
    """The config with the lists of layers that the table abridges written out."""
    counts, first = config.get('layer_types_counts'), config.get('layer_types_first8')
    if not counts or 'layer_types' in config:
        return config
    for period in range(1, 9):
        made = [first[index % period] for index in range(sum(counts.values()))]
        if made[:8] == first and all(made.count(kind) == n for kind, n in counts.items()):
            return config | {'layer_types': made}
    return config


class Models:
    def __init__(self, library, folder):
        self.library = library
        self.configs = configs(folder)
        self.why = []  # rows that were refused

    def named(self, row):
        for key in (row.get('model_ref'), row.get('model')):
            for prefix in ('', 'litgpt:'):
                if key and prefix + key in self.configs:
                    return self.library.model(self.configs[prefix + key])
        return None

    def sized(self, row):
        """The model of a row about bytes, which has a config or a name."""
        if 'config' in row:
            return self.library.model(complete(row['config']))
        found = self.named(row)
        if not found:
            raise KeyError(row.get('model_ref') or row.get('model'))
        return found

    def numbered(self, row):
        config = {name: row[key] for key, name in NUMBERS.items() if row.get(key)}
        return self.library.model(config | {'model_type': row.get('model_type', '')})

    def of(self, row):
        if 'config' in row:
            return self.library.model(complete(row['config']))
        return self.named(row) or self.numbered(row)


def parameters(models, rows, name):
    made = Score(name, [], limits={'exact': .9, 'p95': .001})
    for row in rows:
        measured = row.get('params_total') or row.get('n_params')
        try:
            model = models.of(row)
        except Refused:
            made.refused += 1
            continue
        made.rows.append(Row(f'{row["id"]} {row.get("model_type", "")}', row['group'],
                             models.library.describe(model).parameters, measured))
    return made


def recipe_of(row):
    """The name that the library has for the mix of a row."""
    name = row['quant'] if 'quant' in row else row['quantization']
    if row['kind'] == 'mlx_checkpoint':
        bits, _, kind = name.partition('-')
        return f'mlx-{kind or bits}'
    if row.get('imatrix') and name in ('IQ4_XS', 'IQ4_NL'):
        return f'{name}+imatrix'
    return name


def measured_bytes(row):
    return row.get('tensor_bytes_exact') or row.get('tensor_bytes') or (
        row['size_gib'] * 2**30 if 'size_gib' in row else row['size_gb'] * 1e9)


def sizes(models, rows, name, limits, recipe=None):
    made = Score(name, [], limits=limits)
    for row in rows:
        try:
            model = models.sized(row)
            chosen = {'recipe': recipe(row)} if recipe else {}
            held = models.library.weights(model, **chosen)
        except (Refused, KeyError) as error:
            made.refused += 1
            models.why.append((row['id'], error))
            continue
        made.rows.append(Row(row['id'], row['group'], held, measured_bytes(row)))
    return made


def scores(library, folder):
    rows = json.loads((folder / f'{TABLE}.json').read_text())['rows']
    models = Models(library, folder)
    kinds = {}
    for row in rows:
        kinds.setdefault(row['kind'], []).append(row)
    totals = kinds.get('hf_param_total', []) + kinds.get('param_total', [])
    return [parameters(models, [row for row in totals if models.named(row)],
                       'parameters by config.json'),
            parameters(models, [row for row in totals if not models.named(row)],
                       'parameters by a few numbers'),
            parameters(models, kinds.get('gguf_loader', []), 'parameters that a loader counts'),
            sizes(models, kinds.get('hf_checkpoint', []), 'bytes of checkpoints',
                  {'exact': .9, 'p95': .001}),
            sizes(models, kinds.get('gguf_loader', []), 'bytes of GGUF tensors', {'p95': .001},
                  recipe_of),
            sizes(models, kinds.get('gguf', []), 'bytes of GGUF files', {'p95': .004}, recipe_of),
            sizes(models, kinds.get('mlx_checkpoint', []), 'bytes of MLX checkpoints',
                  {'p95': .001}, recipe_of)]
