# SPDX-License-Identifier: MIT
"""Parameters and bytes of published checkpoints, by their config.json or by their name."""

import json
import re

from library import Refused
from score import Row, Score

TABLE = 'weights'
# Numbers that a row of a scraped total has of its model's config.json.
NUMBERS = {'layers': 'num_hidden_layers', 'hidden': 'hidden_size', 'heads': 'num_attention_heads',
           'kv_heads': 'num_key_value_heads', 'head_dim': 'head_dim', 'vocab': 'vocab_size',
           'ffn_or_moe_ffn': 'intermediate_size'}
# Shapes of MPT: layers, heads, width (scripts/train/yamls/pretrain of mosaicml/llm-foundry).
MPT = {'MPT-125m': (12, 12, 768), 'MPT-350m': (24, 16, 1024), 'MPT-760m': (24, 12, 1536),
       'MPT-1b': (24, 16, 2048), 'MPT-3b': (32, 20, 2560), 'MPT-7b': (32, 32, 4096),
       'MPT-13b': (40, 40, 5120), 'MPT-30b': (48, 56, 7168), 'MPT-70b': (80, 64, 8192)}


def mpt(row):
    """With positions that are learned, as it was trained for the table."""
    layers, heads, width = MPT[row['model']]
    return {'model_type': 'mpt', 'n_layers': layers, 'n_heads': heads, 'd_model': width,
            'vocab_size': 50368, 'no_bias': False, 'max_seq_len': row['seq_len'],
            'learned_pos_emb': True, 'attn_config': {'alibi': False}}


def configs(folder):
    path = folder / 'models.json'
    rows = json.loads(path.read_text())['rows'] if path.exists() else []
    return {row['id']: complete(row['config']) for row in rows
            if not row['id'].startswith(('litgpt:', 'calculon:'))}


# Towers that every model of a family has, where a row or the table leaves them out.
TOWERS = {
    'gemma3': {'model_type': 'siglip_vision_model', 'hidden_size': 1152, 'image_size': 896,
               'intermediate_size': 4304, 'num_hidden_layers': 27, 'patch_size': 14},
    'qwen2_vl': {'model_type': 'qwen2_vl', 'depth': 32, 'embed_dim': 1280, 'patch_size': 14},
    'qwen2_5_vl': {'model_type': 'qwen2_5_vl', 'depth': 32, 'hidden_size': 1280,
                   'intermediate_size': 3420, 'patch_size': 14}}


def with_tower(config, family):
    tower = TOWERS.get(family)
    if not tower or 'vision_config' in config or 'hidden_size' not in config:
        return config
    wide = 'hidden_size' if family == 'qwen2_vl' else 'out_hidden_size'
    return config | {'vision_config': {wide: config['hidden_size']} | tower}


def complete(config):
    """The config with what the table abridges written out: its tower and its lists of layers."""
    config = with_tower(config, config.get('wrapper_model_type'))
    counts, first = config.get('layer_types_counts'), config.get('layer_types_first8')
    if not counts or 'layer_types' in config:
        return config
    for period in range(1, 9):
        made = [first[index % period] for index in range(sum(counts.values()))]
        if made[:8] == first and all(made.count(kind) == n for kind, n in counts.items()):
            return config | {'layer_types': made}
    return config


ENDINGS = re.compile(r'[-_](\d+bits?(-.*)?|mxfp4|nvfp4|bf16|fp8|mlx|gguf|instruct|it|chat|hf)$',
                     re.IGNORECASE)


class Models:
    def __init__(self, library, folder):
        self.library = library
        self.configs = configs(folder)
        self.shapes = {}  # models of the catalogue by their numbers
        for name in library.known_names():
            model = library.known(name)
            self.shapes.setdefault(self.shape_of(model), model)

    def shape_of(self, model):
        desc = self.library.describe(model)
        family = self.library.text(desc.architecture).removesuffix('_text')
        return (family, desc.layers, desc.hidden_size, desc.heads, desc.vocabulary >> 10,
                0 if desc.experts else desc.ffn_size)

    def short(self, name):
        """By the part behind the slash, with and without what quantizing and tuning append."""
        name = name.split('/')[-1]
        while name:
            found = self.library.known(name)
            if not found:
                same = [key for key in self.configs if key.split('/')[-1].lower() == name.lower()]
                found = self.library.model(self.configs[same[0]]) if same else None
            if found or not ENDINGS.search(name):
                return found
            name = ENDINGS.sub('', name)
        return None

    def named(self, row):
        """The model that a row means, by its name or because a known one has the same numbers."""
        for key in (row.get('model_ref'), row.get('model')):
            if not key:
                continue
            found = self.library.known(key)
            if found:
                return found
            if key in self.configs:
                return self.library.model(self.configs[key])
        for key in (row.get('model'), row.get('base_model', '').replace(' ', '-')):
            found = self.short(key) if key else None
            if found:
                return found
        # A vocabulary that tuning made longer is as good as the same.
        shape = ((row.get('model_type') or '').removesuffix('_text'), row.get('layers'),
                 row.get('hidden'), row.get('heads'), (row.get('vocab') or 0) >> 10)
        return self.shapes.get((*shape, row.get('ffn_or_moe_ffn'))) or self.shapes.get((*shape, 0))

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
        family = row.get('model_type', '')
        return self.library.model(with_tower(config, family) | {'model_type': family})

    def of(self, row):
        if row['model'] in MPT:
            return self.library.model(mpt(row))
        if 'config' in row:
            return self.library.model(complete(row['config']))
        return self.named(row) or self.numbered(row)


def parameters(models, rows, name):
    made = Score(name, [])
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


def measured_bytes(row, parameters):
    if row['kind'] == 'gguf' and 'bits_per_weight' in row:
        bits = round(row['bits_per_weight'], 4)
        if bits != round(bits, 2):  # finer than the size, which has two decimals
            return bits / 8 * parameters
    return row.get('tensor_bytes_exact') or row.get('tensor_bytes') or (
        row['size_gib'] * 2**30 if 'size_gib' in row else row['size_gb'] * 1e9)


def sizes(models, rows, name, recipe=None):
    made = Score(name, [])
    for row in rows:
        try:
            model = models.sized(row)
            chosen = {'recipe': recipe(row)} if recipe else {}
            held = models.library.weights(model, **chosen)
        except (Refused, KeyError):
            made.refused += 1
            continue
        told = measured_bytes(row, models.library.describe(model).parameters)
        made.rows.append(Row(row['id'], row['group'], held, told))
    return made


def scores(library, folder):
    rows = json.loads((folder / f'{TABLE}.json').read_text())['rows']
    models = Models(library, folder)
    kinds = {}
    for row in rows:
        kinds.setdefault(row['kind'], []).append(row)
    totals = kinds.get('hf_param_total', []) + kinds.get('param_total', [])
    told = [row for row in totals if row['model'] in MPT or models.named(row)]
    return [parameters(models, told, 'parameters by config.json'),
            parameters(models, [row for row in totals if row not in told],
                       'parameters by a few numbers'),
            parameters(models, kinds.get('gguf_loader', []), 'parameters that a loader counts'),
            sizes(models, kinds.get('hf_checkpoint', []), 'bytes of checkpoints'),
            sizes(models, kinds.get('gguf_loader', []), 'bytes of GGUF tensors', recipe_of),
            sizes(models, kinds.get('gguf', []), 'bytes of GGUF files', recipe_of),
            sizes(models, kinds.get('mlx_checkpoint', []), 'bytes of MLX checkpoints',
                  recipe_of)]
