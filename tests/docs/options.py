# SPDX-License-Identifier: MIT
"""The man page names every command, option and exit status that the tool has, and no other."""

import os
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'man' / 'hwa.1.scd'
OPTION = re.compile(r'--[a-z][a-z-]*')


def help_of(*command):
    return subprocess.run([os.environ['HWA'], *command, '--help'], check=True, timeout=60,
                          stdout=subprocess.PIPE, text=True).stdout


def section(text, title):
    return text.split(f'\n{title}\n', 1)[1].split('\n# ', 1)[0]


def compare(what, tool, page):
    for name in sorted(tool - page):
        print(f'{what} {name} is not in the man page')
    for name in sorted(page - tool):
        print(f'{what} {name} is in the man page alone')
    return tool == page


def main():
    page = PAGE.read_text()
    top = help_of()
    commands = set(re.findall(r'^  ([a-z]+) {2,}', top.split('Commands:')[1].split('\n\n')[0],
                              re.M))
    options = {option for text in [top, *map(help_of, sorted(commands))]
               for line in text.splitlines() if line.startswith('  -')
               for option in OPTION.findall(line[:26])}
    described = {option for line in section(page, '# OPTIONS').splitlines()
                 if line.startswith('*-') for option in OPTION.findall(line)}
    statuses = set(re.findall(r'(?:^| {2,})(\d+) [a-z]', top.split('Exit status:')[1], re.M))
    good = [
        compare('the command', commands,
                set(re.findall(r'^\*hwa ([a-z]+)', section(page, '# COMMANDS'), re.M))),
        compare('the option', options, described),
        compare('the exit status', statuses,
                set(re.findall(r'^\*(\d+)\*$', section(page, '# EXIT STATUS'), re.M))),
    ]
    print(f'{len(commands)} commands, {len(options)} options, {len(statuses)} exit statuses')
    return 0 if all(good) and commands and options and statuses else 1


if __name__ == '__main__':
    sys.exit(main())
