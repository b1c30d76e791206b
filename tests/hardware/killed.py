# SPDX-License-Identifier: MIT
"""T18: a helper is killed while the driver initialises, and the device is as well as before."""

import glob
import json
import os
import signal
import subprocess
import tempfile
import time

WANTED = 5  # kills while cuInit runs
TRIES = 40
LONGEST = 120  # seconds of anything


def child_of(pid):
    """The process that another started; None if there is none yet."""
    for path in glob.glob('/proc/[0-9]*/stat'):
        try:
            with open(path, encoding='utf-8', errors='replace') as file:
                facts = file.read()
        except OSError:
            continue
        # Behind the name, which may hold anything: the state, and whose child it is.
        if int(facts.rpartition(')')[2].split()[1]) == pid:
            return int(path.split('/')[2])
    return None


def has_driver(pid):
    try:
        with open(f'/proc/{pid}/maps', encoding='utf-8', errors='replace') as file:
            return 'libcuda' in file.read()
    except OSError:
        return False


def await_driver(detection):
    """The helper once it has the driver loaded; None if it ended before it was seen."""
    until = time.monotonic() + LONGEST
    while detection.poll() is None and time.monotonic() < until:
        pid = child_of(detection.pid)
        if pid is not None and has_driver(pid):
            return pid
        time.sleep(0.001)
    return None


def kill_one(command, delay):
    """Kills the helper so long after it has loaded the driver; the call that it was in."""
    # Into a file: a pipe that nobody reads holds up what writes to it.
    with (tempfile.TemporaryFile('w+') as said,
          subprocess.Popen(command, stdout=said, text=True) as detection):
        pid = await_driver(detection)
        if pid is not None:
            time.sleep(delay)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        detection.wait(LONGEST)
        said.seek(0)
        rows = json.load(said)['backends']
    row = next(row for row in rows if row['name'] == 'cuda')
    return row['stage'] if row['outcome'] == 'crashed' else None


def look(command):
    """How many devices the driver shows, and in how many seconds."""
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    seconds = time.monotonic() - start
    rows = json.loads(done.stdout)['backends'] if done.stdout else []
    count = next((row['device_count'] for row in rows if row['name'] == 'cuda'), 0)
    return count, seconds


def tool_seconds(tool):
    """The time of `nvidia-smi -L`; None if it fails."""
    start = time.monotonic()
    done = subprocess.run([tool, '-L'], capture_output=True, timeout=LONGEST, check=False)
    return time.monotonic() - start if done.returncode == 0 else None


def check(command, tool, prepare=lambda kills: None):
    """Rows (what, figure, verdict). `prepare` is told whether a kill comes next."""
    prepare(False)
    before, first = look(command)
    if before == 0:
        return [('a helper killed within cuInit', 'CUDA shows no device', 'not run')]
    kills, times, well, delays = 0, [], True, []
    for turn in range(TRIES):
        prepare(True)
        delay = 0.002 * turn
        stage = kill_one(command, delay)
        prepare(False)
        after, seconds = look(command)
        times.append(seconds)
        tool_time = tool_seconds(tool) if tool else 0
        well = well and after == before and tool_time is not None
        if stage == 'cuInit':
            kills += 1
            delays.append(delay)
        if kills == WANTED:
            break
    latest = max(delays, default=0) * 1e3
    rows = [('a helper killed within cuInit',
             f'{kills} times, {latest:.0f} ms and less after the driver was loaded',
             'recorded' if kills else 'not run'),
            ('the same devices are found after each', f'{before}', 'pass' if well else 'FAIL'),
            ('time of a detection before, and the longest after',
             f'{first * 1e3:.0f} ms, {max(times) * 1e3:.0f} ms', 'recorded')]
    rows.append(('nvidia-smi -L after each', 'works' if tool and well else
                 'failed' if tool else 'there is no nvidia-smi',
                 'pass' if tool and well else 'FAIL' if tool else 'not run'))
    return rows
