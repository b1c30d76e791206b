# SPDX-License-Identifier: MIT
"""Runs that did or did not fit their devices: what the plan says of them. A measured speed proves
that the run fitted."""

import json
import re

import machines
from library import Refused
from names import Models
from score import Row, Score
from sheets import Sheets
from tables import infer_memory, serving

TABLE = 'throughput_single'
GIB = 2**30
# What drivers report of a card is less than its label: NVIDIA's 23.55 of 24 GiB, 79.15 of 80, 15.77
# of 16; AMD's 31.86 of 32, 23.98 of 24.
VISIBLE = {'amd': .995}
USUALLY_VISIBLE = .983
HOST = {'id': 'host', 'vendor': 'unknown', 'cls': 'cpu'}
ENGINES = {'vllm': 'vllm', 'sglang': 'sglang', 'transformers': 'transformers', 'mlx': 'mlx'}
SERVERS = ('vllm', 'sglang')
# Flash attention was off unless asked for when these were run.
WITHOUT_FLASH = ('gpubench', 'apple4167')
# These put every layer on the devices, or failed.
WHOLE = ('gpubench',)


class Place:
    """Where a row ran: devices of so many bytes, or a host whose memory it does not tell."""

    def __init__(self, row, sheets):
        sheet = sheets.named(row.get('gpu') or '', row.get('gpu_cores'))
        self.host = not row.get('gpu') or row.get('hw_class') == 'CPU_ONLY' or \
            row.get('ngl') == '0' or (row.get('backend') or '').lower() == 'cpu' or \
            (sheet or {}).get('cls') == 'cpu'
        self.count = row.get('n_gpus') or 1
        self.sheet = sheet or {'id': row.get('gpu') or 'device', 'vendor': 'unknown', 'cls': 'gpu'}
        visible = VISIBLE.get(self.sheet['vendor'], USUALLY_VISIBLE)
        self.bytes = 0 if self.host else int(self.memory(row, sheet) * GIB * visible)

    def memory(self, row, sheet):
        """GiB of one device, as the row tells them or else by its data sheet."""
        if (sheet or {}).get('cls') == 'igpu':
            return 0  # what it takes of the host's
        told = re.search(r'(\d+) ?GB', row.get('gpu') or '', re.I)
        if told and not row.get('unified'):
            return int(told.group(1))
        if row.get('vram_gb') and (row.get('unified') or sheet is None or sheet['cls'] != 'gpu'):
            return row['vram_gb']
        if sheet is None:
            raise KeyError(row.get('gpu'))
        return sheet.get('mem_gb_label') or 0

    def system(self, library, with_host):
        document = machines.system([HOST] if self.host else
                                   [self.sheet] * self.count + [HOST] * with_host)
        for device in document['devices']:
            size = self.bytes if device['kind'] != 'cpu' else 0
            device['memories'] = [{'kind': device['memories'][0]['kind'], 'size_bytes': size,
                                   'usable_bytes': size}]
        ids = [device['id'] for device in document['devices']][:1 if self.host else self.count]
        return library.system(document), ids


def tokens(row):
    """Tokens of the prompt and of the whole of it."""
    prompt = row.get('prompt_tokens') or int(row.get('tokens') or 0) or 512
    before, answer = row.get('depth') or 0, row.get('gen_tokens') or 64
    return max(1, round(prompt)), max(1, round(before + prompt + answer))


def pins_of(row, place):
    engine = ENGINES.get(row['engine'], 'llama.cpp')
    pins = {'engine': engine}
    if engine in SERVERS:
        # These were given a context that holds the request, and more memory where they needed it.
        pins |= {'tensor_parallel': place.count, 'memory_share': 1.0, 'ubatch': 2048}
        if row['batch'] <= 16:
            pins['sequences'] = 16
    else:
        pins['pipeline_parallel'] = 1 if place.host else place.count
    if engine == 'transformers':
        pins['engine_version'] = '4.46.0'
    if engine == 'llama.cpp':
        pins['flash_attention'] = not row['id'].startswith(WITHOUT_FLASH)
    return pins


class Asker:
    def __init__(self, library, folder):
        self.library, self.sheets, self.models = library, Sheets(folder), Models(library, folder)

    def plan(self, row):
        place = Place(row, self.sheets)
        model, weights = self.models.of(row)
        pins = pins_of(row, place)
        prompt, context = tokens(row)
        # Weights that the devices cannot hold lay on the host in part, as llama.cpp leaves them and
        # servers can; how much, rows do not tell.
        spills = not row['id'].startswith(WHOLE) and \
            0 < place.count * place.bytes < self.library.weights(model, **weights)
        if spills:
            pins |= {'engine': 'llama.cpp', 'gpu_layers': 1}
        system, ids = place.system(self.library, spills)
        # Servers queue what their pool does not hold: one request has to fit.
        batch = 1 if pins['engine'] in SERVERS else row['batch']
        return self.library.plan(system, model, pins, devices=ids, batch=batch,
                                 prompt_tokens=prompt, context_tokens=context, **weights)


class Server(serving.Asker):
    """Of servers under load, with one request."""

    def batch(self, row, pins):
        return 1


def label(row):
    return f'{row["id"]} {row.get("model") or row.get("model_desc")} {row.get("quant") or ""} ' \
           f'{row.get("gpu") or row.get("system")}'


def judge(rows, ask, fitted, failed):
    """Asks of each row whether it fits, and counts what is said wrongly."""
    for row in rows:
        score = failed if row.get('oom') else fitted
        try:
            ask(row)
            fits = True
        except Refused as refused:
            fits = False
            if ' short' not in str(refused):
                score.refused += 1
                continue
        except KeyError:
            score.refused += 1
            continue
        wrong = fits == bool(row.get('oom'))
        score.rows.append(Row(label(row), row['group'], 2 if wrong else 1, 1))


def rows_of(folder, table):
    path = folder / f'{table}.json'
    return json.loads(path.read_text())['rows'] if path.exists() else []


def scores(library, folder):
    fitted = Score('runs that fitted, said not to', [])
    served = Score('servers that fitted, said not to', [])
    failed = Score('runs out of memory, said to fit', [])
    single = [row for row in rows_of(folder, TABLE) if row.get('oom') or row.get('tokens_per_s')]
    judge(single, Asker(library, folder).plan, fitted, failed)
    models = infer_memory.Models(library, folder)
    judge([row for row in rows_of(folder, infer_memory.TABLE)
           if row.get('engine', 'transformers') == 'transformers'],
          lambda row: infer_memory.on_its_card(library, models, row), fitted, failed)
    judge(rows_of(folder, serving.TABLE), Server(library, folder).plan, served, failed)
    return [fitted, served, failed]
