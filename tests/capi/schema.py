# SPDX-License-Identifier: MIT
"""The JSON of real systems satisfies docs/schema/system.json, and spoiled copies of it do not."""
import copy
import json
import subprocess
import sys

import jsonschema

# Each spoils a document; the schema must notice.
SPOILS = {
    "a key nobody knows": lambda d: d.update(weather=1),
    "no platform": lambda d: d.pop("platform"),
    "another schema": lambda d: d.update(schema=2),
    "an unknown flag": lambda d: d["flags"].append("flying"),
    "zero for the unknown": lambda d: d["devices"][0].update(clock_hz=0),
    "a unit in a number": lambda d: d["devices"][0].update(clock_hz="3 GHz"),
    "an empty text": lambda d: d["devices"][0].update(name=""),
    "an unknown kind": lambda d: d["devices"][0].update(kind="quantum"),
    "a device key nobody knows": lambda d: d["devices"][0].update(smell=1),
    "a memory without a role": lambda d: d["devices"][0]["memories"][0].pop("role"),
    "an unknown format": lambda d: d["devices"][0]["compute"].update(f1={}),
    "an attribute without a source": lambda d: d["attrs"].update(x={"value": 1}),
    "the source of no fact": lambda d: d["devices"][0]["sources"].update(x="kernel"),
}


def main() -> int:
    schema_path, program, *files = sys.argv[1:]
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for arguments in [[]] + [[file] for file in files]:
        text = subprocess.run([program, *arguments], check=True, capture_output=True).stdout
        document = json.loads(text)
        for error in validator.iter_errors(document):
            print(f"{arguments}: {error.json_path}: {error.message}")
            return 1
        for name, spoil in SPOILS.items():
            spoiled = copy.deepcopy(document)
            spoil(spoiled)
            if validator.is_valid(spoiled):
                print(f"{arguments}: the schema lets {name} pass")
                return 1
    return 0


sys.exit(main())
