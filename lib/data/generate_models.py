#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns models.csv or families.csv into the table in the .cpp of that name, and refuses rows that
cannot be right.

usage: generate_models.py CSV OUT

A row is a name, the public repository and the path in it that the numbers were read from, and the
numbers, in the words of a config.json."""

import csv
import json
import re
import sys

LISTS = {'hybrid_layer_pattern', 'moe_layer_freq', 'layer_types', 'layers_block_type',
         'compress_ratios', 'mlp_only_layers', 'vision_config.deepstack_visual_indexes'}
WORDS = {'audio_config.model_type', 'dtype', 'expert_dtype', 'feed_forward_proj',
         'hybrid_override_pattern', 'mlp_hidden_act', 'model_type',
         'quantization_config.activation_scheme', 'quantization_config.quant_method',
         'quantization_config.scale_fmt', 'topk_method', 'torch_dtype', 'transformers_version',
         'vision_config.model_type'}


def value(name, key, text):
    if text in ('true', 'false'):
        return text == 'true'
    if re.fullmatch(r'\d+(\.\d+)?', text):
        return json.loads(text)
    if key in LISTS and re.fullmatch(r'[\w,]+', text):
        return [int(word) if word.isdigit() else word for word in text.split(',')]
    if key in WORDS and re.fullmatch(r'[\w.*-]+', text):
        return text
    return sys.exit(f'{name}: {key} of {text} is neither a number nor a known word')


def config(row):
    made = {}
    for pair in row['config'].split():
        key, equals, text = pair.partition('=')
        if not equals:
            sys.exit(f'{row["name"]}: {pair} is no key=value')
        outer, dot, inner = key.partition('.')
        into = made.setdefault(outer, {}) if dot else made
        into[inner or outer] = value(row['name'], key, text)
    if 'model_type' not in made:
        sys.exit(f'{row["name"]}: no model_type')
    return json.dumps(made, separators=(',', ':'))


def line(row):
    if not re.fullmatch(r'[\w.-]+/[\w.-]+', row['repository']) or not row['path'].strip():
        sys.exit(f'{row["name"]}: no repository and path of its config')
    return f'{{"{row["name"]}", R"({config(row)})"}},\n'


def main():
    with open(sys.argv[1], encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    names = [row['name'].lower() for row in rows]
    if names != sorted(set(names)):
        sys.exit('names are to be in order, each once')
    with open(sys.argv[2], 'w', encoding='utf-8') as file:
        file.write(''.join(map(line, rows)))


if __name__ == '__main__':
    main()
