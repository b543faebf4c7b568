"""The template is read alike by SAM CLI and by these tests."""

from __future__ import annotations

import json
import subprocess
import sys

import yaml

from tests.support.template import TEMPLATE, read

#: In a process of its own: SAM CLI teaches YAML's own safe loader CloudFormation's functions.
AS_SAM_READS_IT = """
import json, sys
from samcli.yamlhelper import yaml_dump, yaml_parse
template = yaml_parse(open(sys.argv[1], encoding="utf-8").read())
json.dump({"read": template, "sent": yaml_dump(template)}, sys.stdout)
"""


def test_sam_reads_the_template_as_these_tests_do_and_sends_no_alias_to_aws() -> None:
    """CloudFormation itself refuses aliases and merges; whoever deploys has resolved them."""
    command = [sys.executable, "-c", AS_SAM_READS_IT, str(TEMPLATE)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    of_sam = json.loads(done.stdout)
    assert of_sam["read"] == read()
    tokens = list(yaml.scan(of_sam["sent"]))
    assert not [one for one in tokens if isinstance(one, yaml.AnchorToken | yaml.AliasToken)]
    assert yaml.safe_load(of_sam["sent"]) == of_sam["read"]
