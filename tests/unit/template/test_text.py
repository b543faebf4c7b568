"""The template can be read by people, and is read alike by SAM CLI and by these tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import yaml

from tests.support.readable import long_lines, repeated_blocks
from tests.support.template import ROOT, TEMPLATE, read

DASHBOARDS = sorted((ROOT / "dashboards").glob("*.yaml"))

#: In a process of its own: SAM CLI teaches YAML's own safe loader CloudFormation's functions.
AS_SAM_READS_IT = """
import json, sys
from samcli.yamlhelper import yaml_dump, yaml_parse
template = yaml_parse(open(sys.argv[1], encoding="utf-8").read())
json.dump({"read": template, "sent": yaml_dump(template)}, sys.stdout)
"""


def test_no_line_must_be_scrolled_along() -> None:
    assert DASHBOARDS
    assert long_lines([TEMPLATE, *DASHBOARDS]) == []


def test_nothing_is_written_twice() -> None:
    assert repeated_blocks([TEMPLATE, *DASHBOARDS]) == []


def test_sam_reads_the_template_as_these_tests_do_and_sends_no_alias_to_aws() -> None:
    """CloudFormation itself refuses aliases and merges; whoever deploys has resolved them."""
    command = [sys.executable, "-c", AS_SAM_READS_IT, str(TEMPLATE)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    of_sam = json.loads(done.stdout)
    assert of_sam["read"] == read()
    tokens = list(yaml.scan(of_sam["sent"], yaml.CSafeLoader))
    assert not [one for one in tokens if isinstance(one, yaml.AnchorToken | yaml.AliasToken)]
    assert yaml.load(of_sam["sent"], yaml.CSafeLoader) == of_sam["read"]


def test_what_is_merged_is_not_changed_where_it_is_merged() -> None:
    """Whoever reads ``<<: *name`` can rely on it; and not every tool may override (Checkov)."""
    changed = []
    for mapping in mappings(yaml.compose(TEMPLATE.read_text("utf-8"), yaml.CSafeLoader)):
        keys = keys_of(mapping)
        changed += [
            f"line {mapping.start_mark.line + 1}: {key}" for key in keys if keys.count(key) > 1
        ]
    assert changed == []


def keys_of(mapping: yaml.MappingNode) -> list[str]:
    """Return its keys and those of all that is merged into it, one mapping or several."""
    found: list[str] = []
    for key, value in mapping.value:
        if key.value != "<<":
            found.append(key.value)
            continue
        for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            found += keys_of(merged)
    return found


def mappings(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _key, value in node.value:
            yield from mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from mappings(each)
