"""The JSON files of the command line, held to the schema in the package."""

import json
from functools import cache
from importlib import resources

from jsonschema import Draft202012Validator


@cache
def validator():
    """Return the validator of the schema, which is itself valid."""
    schema = json.loads(resources.files("twopoint.cli").joinpath("output_schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def checked(text):
    """Return the content of a JSON file that the schema describes completely."""
    content = json.loads(text)
    kind = content["format"].split()[1]
    names = {"stats", "summary", "distances", "compare", "reconstruction", "run", "doctor"}
    assert kind in names, kind
    one = validator().evolve(schema={"$ref": f"#/$defs/{kind}", "$defs": validator().schema["$defs"]})
    assert not (wrong := [f"{error.json_path}: {error.message[:300]}" for error in one.iter_errors(content)]), wrong
    assert validator().is_valid(content)
    return content
