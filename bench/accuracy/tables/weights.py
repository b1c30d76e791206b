# SPDX-License-Identifier: MIT
"""Parameters and bytes of published checkpoints, by their config.json or by their name."""

import csv
import json
import re
import sys
from pathlib import Path

from library import Refused
from score import Row, Score

DATA = Path(__file__).parents[3] / 'lib' / 'data'
sys.path.insert(0, str(DATA))
from generate_models import config as config_of  # noqa: E402

TABLE = 'weights'
# Numbers that a row of a scraped total has of its model's config.json.
NUMBERS = {'layers': 'num_hidden_layers', 'hidden': 'hidden_size', 'heads': 'num_attention_heads',
           'kv_heads': 'num_key_value_heads', 'head_dim': 'head_dim', 'vocab': 'vocab_size',
           'ffn_or_moe_ffn': 'intermediate_size', 'num_experts': 'num_experts',
           'active_experts': 'num_experts_per_tok',
           'shared_expert_ffn': 'shared_expert_intermediate_size'}
EXPERTS = ('num_local_experts', 'n_routed_experts', 'moe_num_experts')
# Shapes of MPT: layers, heads, width (scripts/train/yamls/pretrain of mosaicml/llm-foundry).
MPT = {'MPT-125m': (12, 12, 768), 'MPT-350m': (24, 16, 1024), 'MPT-760m': (24, 12, 1536),
       'MPT-1b': (24, 16, 2048), 'MPT-3b': (32, 20, 2560), 'MPT-7b': (32, 32, 4096),
       'MPT-13b': (40, 40, 5120), 'MPT-30b': (48, 56, 7168), 'MPT-70b': (80, 64, 8192)}


def estimated(row, config):
    """True of what its source took by a rule of thumb, without biases and norms."""
    shape = [row.get(key) for key in ('layers', 'hidden', 'vocab')]
    if None in shape:
        return False
    layers, hidden, vocab = shape
    return row['params_total'] in (12 * layers * hidden**2 + hidden * vocab,
                                   layers * layer(row, config) + 2 * hidden * vocab)


def layer(row, config):
    """The matrices of a layer by the numbers of a row: attention, and all layers' experts."""
    heads = row.get('heads', 0) + row.get('kv_heads', 0)
    experts = row.get('num_experts', 0)
    wide = experts * row.get('ffn_or_moe_ffn', 0) + (
        config.get('shared_expert_intermediate_size', 0))
    return row['hidden'] * (2 * heads * row.get('head_dim', 0) + 3 * wide + experts)


def mpt(row):
    """With positions that are learned, as it was trained for the table."""
    layers, heads, width = MPT[row['model']]
    return {'model_type': 'mpt', 'n_layers': layers, 'n_heads': heads, 'd_model': width,
            'vocab_size': 50368, 'no_bias': False, 'max_seq_len': row['seq_len'],
            'learned_pos_emb': True, 'attn_config': {'alibi': False}}


def catalogue():
    """The configs of the library's own catalogue, by name."""
    with open(DATA / 'models.csv', encoding='utf-8', newline='') as file:
        return {row['name']: json.loads(config_of(row)) for row in csv.DictReader(file)}


def configs(folder):
    path = folder / 'models.json'
    rows = json.loads(path.read_text())['rows'] if path.exists() else []
    return {row['id']: complete(row['config']) for row in rows
            if not row['id'].startswith(('litgpt:', 'calculon:'))}


def complete(config):
    """The config with what the table abridges written out: its wrapper and its lists of layers."""
    wrapper = config.get('wrapper_model_type')
    if wrapper:
        config = {key: value for key, value in config.items() if key != 'wrapper_model_type'}
        return {'model_type': wrapper, 'text_config': complete(config)} | {
            key: config[key] for key in ('dtype', 'torch_dtype', 'quantization_config')
            if key in config}
    counts, first = config.get('layer_types_counts'), config.get('layer_types_first8')
    if not counts or 'layer_types' in config:
        return config
    for period in range(1, 9):
        made = [first[index % period] for index in range(sum(counts.values()))]
        if made[:8] == first and all(made.count(kind) == n for kind, n in counts.items()):
            return config | {'layer_types': made}
    return config


# Families whose checkpoints held the mask of each layer, by transformers up to 4.29.
MASKED = {'gpt2', 'gpt_neo', 'gpt_neox'}
WIDTHS = {'hidden_size', 'n_embd', 'n_embed', 'd_model', 'model_dim'}
ENDINGS = re.compile(r'[-_](\d+bits?(-.*)?|mxfp4|nvfp4|bf16|fp8|mlx|gguf|instruct|it|chat|hf|'
                     r'2[45]\d\d)$', re.IGNORECASE)
# Sizes as names tell them: "7B", "1.3b", "350M", "30B-A3B"; and in words.
SIZE = re.compile(r'(?<![a-z0-9.])(\d+(?:\.\d+)?)([bm])(?![a-z0-9])')
WORD = re.compile(r'(?<![a-z])(tiny|mini|small|base|medium|large|xl|xxl)(?![a-z])')
WORDS = {'tiny': 3e7, 'mini': 4e7, 'small': 8e7, 'base': 1.2e8, 'medium': 2.5e8, 'large': 4e8,
         'xl': 3e9, 'xxl': 1.1e10}


def size_of(name):
    """What a name tells of the size, as text, and the parameters that this means."""
    name = name.lower()
    if found := SIZE.search(name):
        return found[0], float(found[1]) * (1e9 if found[2] == 'b' else 1e6)
    if found := WORD.search(name):
        return found[0], WORDS[found[0]]
    return '', 1e9


def stem(name):
    """What is behind the slash, without what quantizing and tuning append, in lower case."""
    name = name.split('/')[-1].lower().removeprefix('meta-')
    while ENDINGS.search(name):
        name = ENDINGS.sub('', name)
    return name


def text_part(config):
    return config.get('text_config', config)


class Models:
    def __init__(self, library, folder):
        self.library = library
        self.configs = configs(folder) | catalogue()
        self.stems, self.shapes, self.sizes = {}, {}, {}
        self.widen()
        for name, config in (catalogue() | self.configs).items():
            self.stems.setdefault(stem(name), config)
            part, family = text_part(config), config['model_type']
            shape = (family, part.get('num_hidden_layers'), part.get('hidden_size'))
            self.shapes.setdefault(shape, config)
            self.sizes.setdefault((family, size_of(name)[0]), config)

    def widen(self):
        """Gives configs that the table has without a width that of their namesakes."""
        known = {(stem(name), config['model_type']): config
                 for name, config in catalogue().items()}
        for name, config in self.configs.items():
            like = known.get((stem(name), config['model_type']))
            if like and not WIDTHS & set(text_part(config)):
                self.configs[name] = like | config

    def named(self, row):
        """The config of a row's name, or None."""
        for key in (row.get('model_ref'), row.get('model'), row.get('base_model')):
            if not key:
                continue
            name = stem(key.replace(' ', '-'))
            found = (self.configs.get(key) or self.configs.get(f'{key}/model')
                     or self.configs.get(f'{key}/src') or self.stems.get(name)
                     or self.tuned(key))
            if found:
                return found
        return None

    def tuned(self, key):
        """What its own makers have tuned, by the name of the other of the two."""
        found = self.configs.get(key.removesuffix('-Base')) if key.endswith('-Base') else None
        return None if found and 'quantization_config' in found else found

    def sized(self, row):
        """The model of a row about bytes, which has a config or a name."""
        if 'config' in row:
            return self.library.model(complete(row['config']))
        found = self.named(row)
        if not found:
            raise KeyError(row.get('model_ref') or row.get('model'))
        return self.library.model(found)

    def numbered(self, row):
        """By the numbers a row has, the rest as in a model of the same family and size."""
        config = {name: row[key] for key, name in NUMBERS.items() if row.get(key)}
        if 'num_experts' in config and 'intermediate_size' in config:
            config['moe_intermediate_size'] = config.pop('intermediate_size')
        if config.get('num_key_value_heads') == config.get('num_attention_heads'):
            config.pop('num_key_value_heads', None)  # what a row has where its config is silent
        family = row.get('model_type', '')
        size = size_of(row['model'])[0]
        if row.get('hidden'):
            like = self.shapes.get((family, row.get('layers'), row['hidden']))
        else:
            like = self.sizes.get((family, size)) if size else None
        if like is None:
            return self.library.model({'model_type': family} | config)
        part = text_part(like)
        if 'num_experts' in config:
            name = next((name for name in EXPERTS if name in part), 'num_experts')
            config[name] = config.pop('num_experts')
        told = part | config
        return self.library.model(like | {'text_config': told} if part is not like else told)

    def of(self, row):
        if row['model'] in MPT:
            return self.library.model(mpt(row))
        if 'config' in row:
            return self.library.model(complete(row['config']))
        found = self.named(row)
        return self.library.model(found) if found else self.numbered(row)

    def stored(self, row):
        """Numbers that a checkpoint holds: of packed ones fewer than parameters, and scales."""
        model = self.of(row)
        parameters = self.library.describe(model).parameters
        config = text_part(self.named(row) or {})
        if config.get('quantization_config', {}).get('quant_method') != 'fp8':
            return parameters
        squares = (self.library.weights(model, recipe='fp8-block')
                   - self.library.weights(model, recipe='fp8')) // 4
        if config.get('expert_dtype') != 'fp4':
            return parameters + squares
        experts = 3 * config['n_routed_experts'] * config['hidden_size'] * (
            config['moe_intermediate_size']) * (config['num_hidden_layers']
                                                + config.get('num_nextn_predict_layers', 0))
        # Two to a byte, and a scale for 32.
        return parameters + squares - experts // 2 + experts // 32 - experts // 128**2

    def guessed(self, row):
        """By numbers, or by the size that the name tells where the library refuses these."""
        try:
            return self.library.describe(self.numbered(row)).parameters
        except Refused:
            made = self.library.model_of_numbers(parameters=int(size_of(row['model'])[1]))
            return self.library.describe(made).parameters

    def loaded(self, row):
        """Without what predicts further tokens, where files for llama.cpp leave it out."""
        model = self.of(row)
        less = self.library.model(complete(row['config']) | {'num_nextn_predict_layers': 0})
        same = (self.library.weights(model, recipe='F32')
                == self.library.weights(less, recipe='F32'))
        return self.library.describe(less if same else model).parameters


def parameters(rows, name, count):
    made = Score(name, [])
    for row in rows:
        measured = row.get('params_total') or row.get('n_params')
        try:
            predicted = count(row)
        except Refused:
            made.refused += 1
            continue
        made.rows.append(Row(f'{row["id"]} {row.get("model_type", "")}', row['group'], predicted,
                             measured))
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


def masks(models, row, model):
    """Bytes of what an index counts besides weights: a truth value as one bit."""
    if row['kind'] != 'hf_checkpoint' or row.get('model_type') not in MASKED:
        return 0
    counted = models.library.describe(model).parameters
    return (counted - models.library.weights(model, recipe='F32') // 4) // 8


def sizes(models, rows, name, recipe=None):
    made = Score(name, [])
    for row in rows:
        try:
            model = models.sized(row)
            chosen = {'recipe': recipe(row)} if recipe else {}
            held = models.library.weights(model, **chosen) + masks(models, row, model)
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
    totals = [row for row in kinds.get('hf_param_total', []) + kinds.get('param_total', [])
              if not estimated(row, text_part(models.named(row) or {}))]
    told = [row for row in totals if row['model'] in MPT or models.named(row)]
    return [parameters(told, 'parameters by config.json', models.stored),
            parameters([row for row in totals if row not in told], 'parameters by a few numbers',
                       models.guessed),
            parameters(kinds.get('gguf_loader', []), 'parameters that a loader counts',
                       models.loaded),
            sizes(models, kinds.get('hf_checkpoint', []), 'bytes of checkpoints'),
            sizes(models, kinds.get('gguf_loader', []), 'bytes of GGUF tensors', recipe_of),
            sizes(models, kinds.get('gguf', []), 'bytes of GGUF files', recipe_of),
            sizes(models, kinds.get('mlx_checkpoint', []), 'bytes of MLX checkpoints',
                  recipe_of)]
