#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts the instructions of hwa_launch() outside the driver: all it does, less what the calls from
libhwa into the driver's libraries take.

usage: instructions.py VALGRIND LOOP RUNTIME LIMIT"""

import collections
import os
import re
import subprocess
import sys
import tempfile

SKIPPED = 77
OURS = ("libhwa.so", "libc.so", "libstdc++.so", "libgcc_s.so", "libm.so", "ld-linux")


def names(text, table):
    """The name of "(3) libc.so.6", which is written whole only where it first comes."""
    number, _, name = text.partition(" ")
    if not number.startswith("("):
        return text
    if name:
        table[number] = name
    return table[number]


def foreign(path):
    return not os.path.basename(path).startswith(OURS)


def read(path):
    """All instructions of hwa_launch, the part that foreign calls take, and the rest by name."""
    files, functions = {}, {}
    here = function = callee = called = ""
    whole = away = 0
    own = collections.Counter()
    pending = False
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if match := re.match(r"(ob|fn|cob|cfn|calls|summary|totals)[=:] ?(.*)", line):
                key, value = match.groups()
                if key == "ob":
                    here = names(value, files)
                elif key == "fn":
                    function = names(value, functions)
                    callee = here
                elif key == "cob":
                    callee = names(value, files)
                elif key == "cfn":
                    called = names(value, functions)
                elif key == "calls":
                    pending = True
                elif key == "totals":
                    whole = int(value)
            elif re.match(r"[+\-*\d]", line):
                cost = int(line.split()[-1])
                if pending:
                    if "libhwa.so" in here and foreign(callee):
                        away += cost
                    elif "libhwa.so" in here and "libhwa.so" not in callee:
                        own[called] += cost
                    pending = False
                    callee = here
                else:
                    own[function] += cost if "libhwa.so" in here else 0
    return whole, away, own


def main():
    valgrind, loop, runtime, limit = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        ran = subprocess.run(
            [valgrind, "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=hwa_launch",
             "--callgrind-out-file=" + out, "--compress-pos=no", loop, runtime],
            capture_output=True, text=True, check=False)
        print(ran.stdout, end="")
        if ran.returncode == SKIPPED:
            return SKIPPED
        if ran.returncode != 0 or not os.path.exists(out):
            print(ran.stderr)
            return 1
        whole, away, own = read(out)
    launches = int(re.search(r"launches of (\d+) took", ran.stdout).group(1))
    each = (whole - away) / launches
    print(f"{runtime}: {each:.0f} instructions a launch outside the driver, at most {limit}")
    for name, cost in own.most_common(12):
        print(f"  {cost / launches:7.0f} {name[:80]}")
    return 0 if each <= int(limit) else 1


sys.exit(main())
