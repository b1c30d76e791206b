# SPDX-License-Identifier: MIT
"""Tokens per second of MLPerf Inference, whose submissions do not tell how they were laid out.

So the planner chooses: of all tensor splits within one machine and all batches that fit, the most
tokens per second that keep the scenario's limits of time; machines and what is left of a machine
are replicas. Limits are those of the benchmark's rules, which bind 99 % of requests, held here
against what the planner expects of a request. Prompts and answers have the data sets' mean
lengths. Divisions that let a submission change the model stand apart.
"""

import json
import re

import machines
from library import Refused
from score import Row, Score
from sheets import Sheets

TABLE = 'mlperf_inference'
# The start of a row's model -> the model, tokens of prompts and answers on average.
MODELS = {'llama2-70b': ('meta-llama/Llama-2-70b-chat-hf', 300, 294),
          'llama3.1-405b': ('meta-llama/Meta-Llama-3.1-405B-Instruct', 9400, 685),
          'llama3.1-8b': ('meta-llama/Meta-Llama-3.1-8B-Instruct', 780, 128),
          'mixtral-8x7b': ('mistralai/Mixtral-8x7B-Instruct-v0.1', 320, 145),
          'deepseek-r1': ('deepseek-ai/DeepSeek-R1', 1000, 3880),
          'gptj': ('EleutherAI/gpt-j-6b', 870, 69)}
# Most seconds until the first token and between tokens, by model and scenario.
TIMES = {('llama2-70b', 'Server'): (2, .2), ('llama2-70b', 'Interactive'): (.45, .04),
         ('llama3.1-405b', 'Server'): (6, .175), ('llama3.1-405b', 'Interactive'): (4.5, .08),
         ('llama3.1-8b', 'Server'): (2, .1), ('llama3.1-8b', 'Interactive'): (.5, .03),
         ('mixtral-8x7b', 'Server'): (2, .2), ('deepseek-r1', 'Server'): (2, .08)}
ENGINES = (('vllm', 'vllm'), ('sglang', 'sglang'), ('tensorrt', 'tensorrt-llm'),
           ('cuda', 'tensorrt-llm'), ('pytorch', 'vllm'))
# Words of an accelerator -> the id of its sheet, and devices on a board.
DEVICES = [(re.compile(pattern), name, count) for pattern, name, count in (
    (r'h200-nvl', 'h200_nvl', 1), (r'h200', 'h200_sxm', 1), (r'gh200.*144', 'gh200_141', 1),
    (r'gh200', 'gh200_96', 1), (r'h100-nvl', 'h100_nvl', 1), (r'h100-pcie', 'h100_pcie', 1),
    (r'h100', 'h100_sxm', 1), (r'gb200', 'gb200', 1), (r'gb300', 'gb300', 1),
    (r'b200', 'b200_sxm', 1), (r'b300', 'b300_sxm', 1), (r'l40s', 'l40s', 1),
    (r'rtx pro 6000', 'rtx_pro_6000', 1), (r'a100.*pcie', 'a100_pcie_80', 1),
    (r'a100', 'a100_sxm_80', 1), (r'mi355x', 'mi355x', 1), (r'mi350x', 'mi350x', 1),
    (r'mi325x', 'mi325x', 1), (r'mi300x', 'mi300x', 1), (r'b60 dual', 'arc_b60', 2),
    (r'b60', 'arc_b60', 1), (r'v5e', 'tpu_v5e', 1), (r'v5p', 'tpu_v5p', 1),
    (r'trillium|v6e', 'tpu_v6e', 1))]
FORMATS = {'fp8': 'fp8', 'fp4': 'nvfp4', 'mxfp4': 'mxfp4', 'uint4': 'awq', 'int4': 'awq',
           'bf16': 'BF16', 'fp16': 'F16'}
# Answers of GPT-J are searched by four beams: four sequences that share a prompt, of which one is
# kept. They are asked for as sequences with a quarter of the prompt each.
BEAMS = {'gptj': 4}
BATCHES = [size for power in range(13) for size in (1 << power, 3 << power >> 1)][1:]


def device(name):
    """The sheet's id of an accelerator and how many of it a board has."""
    for pattern, sheet, count in DEVICES:
        if pattern.search(name.lower()):
            return sheet, count
    raise KeyError(name)


def devices_of(row):
    """Of each kind of device: the sheet's id, those of one machine, and all of them."""
    for name in row['accelerator'].split(', '):
        sheet, count = device(name)
        told = re.search(r'\(x(\d+)\)', name)
        each = int(re.sub(r'\D.*', '', str(row['accelerators_per_node']))) * count
        every = int(told.group(1)) * count if told else each * int(row['nodes'])
        yield sheet, min(each, every), every


def format_of(row, sheet):
    """The weights' format; where the row does not say, the narrowest float the chip multiplies."""
    told = FORMATS.get((row.get('weight_dtype') or '').lower())
    if told:
        return told
    rates = sheet.get('dense_tflops', {})
    return 'fp8' if 'fp8' in rates else 'gptq-8bit' if 'int8_tops' in rates else 'BF16'


def slices(devices):
    """Numbers of devices that one replica may have."""
    return [count for count in (1, 2, 4, 8) if count <= devices and devices % count == 0]


class Asker:
    def __init__(self, library, folder):
        self.library, self.sheets, self.found = library, Sheets(folder), {}

    def sheet(self, name):
        known = self.sheets.rows
        if name == 'h200_nvl':  # the memory of an H200 on a card of half the power
            return dict(known['h200_sxm'], id=name, scaleup_link_gbs_per_dir=450)
        return known[name]

    def speed(self, name, sheet, engine, mix, tensor, batch):
        model, prompt, answer = MODELS[name]
        beams = BEAMS.get(name, 1)
        rate = sheet.get('scaleup_link_gbs_per_dir', 0) * 1e9
        links = [(0, index, rate) for index in range(1, tensor)]
        system = self.library.system(machines.system([sheet] * tensor, links))
        pins = {'engine': engine, 'tensor_parallel': tensor}
        cache = {} if mix in ('BF16', 'F16', 'awq', 'gptq-8bit') else {'cache_dtype': 'f8_e4m3'}
        work = {} if name == 'deepseek-r1' and mix == 'fp8' else {'recipe': mix}
        return self.library.plan(system, self.library.known(model), pins,
                                 batch=batch * beams, prompt_tokens=prompt // beams,
                                 output_tokens=answer, **work, **cache)['speed']

    def best(self, name, scenario, sheet, engine, mix, devices):
        """Most tokens a second of a device, and the stated error of them."""
        answer = MODELS[name][2]
        first, token = TIMES.get((name, scenario), (float('inf'), float('inf')))
        made = (0, 0)
        for tensor in slices(devices):
            for batch in BATCHES:
                try:
                    speed = self.speed(name, sheet, engine, mix, tensor, batch)
                except Refused:
                    break
                if speed['first_token_seconds'] > first or speed['token_seconds'] > token:
                    break
                seconds = speed['first_token_seconds'] + (answer - 1) * speed['token_seconds']
                made = max(made, (batch * answer / seconds / tensor, speed['error_factor']))
        if not made[0]:
            raise KeyError('nothing keeps the limits')
        return made

    def predicted(self, row):
        name = next(start for start in MODELS if row['model'].startswith(start))
        engine = next(engine for word, engine in ENGINES if word in row['software'].lower())
        tokens, factor = 0, 0
        for sheet_name, devices, every in devices_of(row):
            sheet = self.sheet(sheet_name)
            key = (name, row['scenario'], sheet_name, engine, format_of(row, sheet), devices)
            if key not in self.found:
                self.found[key] = self.best(name, row['scenario'], sheet, *key[3:])
            tokens += self.found[key][0] * every
            factor = max(factor, self.found[key][1])
        return tokens, factor


def scores(library, folder):
    asker = Asker(library, folder)
    made = {name: Score(f'MLPerf inference: {name}', [])
            for name in ('Offline', 'Server', 'Interactive', 'open division')}
    for row in json.loads((folder / f'{TABLE}.json').read_text())['rows']:
        score = made['open division' if row['category'] == 'open' else row['scenario']]
        try:
            tokens, factor = asker.predicted(row)
        except (Refused, KeyError, ValueError, StopIteration):
            score.refused += 1
            continue
        score.rows.append(Row(f'{row["id"]} {row["accelerator"]}', row['group'], tokens,
                              row['tokens_per_s'], factor))
    return list(made.values())
