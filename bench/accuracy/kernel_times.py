# SPDX-License-Identifier: MIT
"""Lines for the program kernel-times, out of rows of the table `kernels`."""

import json
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
OPERATORS = {'gemm': 'gemm', 'context_attention': 'prompt', 'generation_attention': 'token',
             'moe': 'experts'}


def sheets(folder=None):
    """Data sheets by id: those beside this file, and those of hardware.json in `folder`."""
    found = {}
    for path in ([folder / 'hardware.json'] if folder else []) + [HERE / 'data' / 'devices.json']:
        if path.exists():
            found.update({row['id']: row for row in json.loads(path.read_text())['rows']})
    return found


def chip_line(sheet):
    rates = sheet['dense_tflops']
    memory = 'hbm' if 'HBM' in sheet['mem_type'] else 'gddr'
    tera = ' '.join(str(rates.get(name, 0) * 1e12) for name in ('bf16', 'fp8', 'fp4'))
    return f'chip {sheet["vendor"]} {memory} {tera} {sheet["mem_bw_gbs"] * 1e9}'


def attention(row, tokens):
    cache = 1 if row['kv_cache_dtype'] == 'fp8' else 2
    return (f'{row["batch_size"]} {tokens} {row["num_heads"]} {row["num_key_value_heads"]} '
            f'{row["head_dim"]} {row["window_size"]} {cache}')


def kernel_line(row):
    """The row as a request."""
    if row['op'] == 'gemm':
        return f'gemm {row["dtype"]} {row["m"]} {row["n"]} {row["k"]}'
    if row['op'] == 'context_attention':
        return f'prompt {attention(row, row["isl"])}'
    if row['op'] == 'generation_attention':
        return f'token {attention(row, row["step"] + 1)}'
    skew = row['distribution'].removeprefix('power_law_')
    return (f'experts {row["moe_dtype"]} {row["num_tokens"]} {row["hidden_size"]} '
            f'{row["inter_size"] / row["moe_tp_size"]} {row["num_experts"]} {row["topk"]} '
            f'{row["moe_ep_size"]} {0 if skew == "balanced" else skew}')


def ask(program, lines):
    """Each answer as a list of numbers."""
    answer = subprocess.run([program], input='\n'.join(lines) + '\n', capture_output=True,
                            text=True, check=True)
    return [[float(word) for word in line.split()] for line in answer.stdout.splitlines()]
