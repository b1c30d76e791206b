# SPDX-License-Identifier: MIT
"""The JSON of plans satisfies docs/schema/plan.json, and spoiled copies of it do not."""
import copy
import json
import subprocess
import sys

import jsonschema

# Each spoils a document; the schema must notice.
SPOILS = {
    "a key nobody knows": lambda d: d.update(weather=1),
    "no stages": lambda d: d.update(stages=[]),
    "another schema": lambda d: d.update(schema=2),
    "zero for the unknown": lambda d: d["speed"].update(tokens_per_second=0),
    "an unknown bound": lambda d: d["speed"].update(bound="luck"),
    "bytes in words": lambda d: d["footprint"].update(total="16 GiB"),
    "a stage without a device": lambda d: d["stages"][0].pop("device"),
    "no parameters": lambda d: d["model"].update(parameters=0),
    "a utilization above 1": lambda d: d["speed"].update(flops_utilization=1.5),
}


def check_sums(document):
    """What the schema cannot say: parts add up."""
    uses = ("weights", "gradients", "optimizer", "cache", "activations", "workspace", "adapters")
    for part in [document, *document["stages"]]:
        footprint = part["footprint"]
        assert sum(footprint[use] for use in uses) == footprint["total"]
    for use in uses:
        parts = sum(stage["footprint"][use] for stage in document["stages"])
        assert parts == document["footprint"][use], use
    layers = sum(stage["layer_count"] for stage in document["stages"])
    assert layers == document["model"]["layers"]


def main() -> int:
    schema_path, program, model = sys.argv[1:]
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for arguments in (["known", "70"], ["known", "8"], ["unknown", "8"], ["known", model]):
        text = subprocess.run([program, *arguments], check=True, capture_output=True).stdout
        document = json.loads(text)
        for error in validator.iter_errors(document):
            print(f"{arguments}: {error.json_path}: {error.message}")
            return 1
        check_sums(document)
        for name, spoil in SPOILS.items():
            spoiled = copy.deepcopy(document)
            spoil(spoiled)
            if validator.is_valid(spoiled):
                print(f"{arguments}: the schema lets {name} pass")
                return 1
    return 0


sys.exit(main())
