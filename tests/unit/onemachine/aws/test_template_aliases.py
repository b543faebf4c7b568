"""A template is read as the emulator reads it, but for aliases and merges."""

from __future__ import annotations

import pytest
import yaml
from ministack.services.cloudformation import engine

from onemachine.aws.mends import template_aliases

TEMPLATE = """
Date: 2012-10-17
Name: !Sub '${AWS::Region}-x'
Of: [!GetAtt Queue.Arn, !GetAtt [Queue, Arn], !Ref Queue, {Fn::GetAtt: [Queue, Arn]}]
If: !If [IsIt, !Join ['', [a, 'b']], !Select [0, [1, 2.5, true, null, "on", 0x10]]]
Text: |
  first
    second
"""


def test_what_is_read_is_the_same() -> None:
    stock = yaml.load(TEMPLATE, engine.CfnLoader)  # noqa: S506
    assert yaml.load(TEMPLATE, template_aliases._Loader) == stock  # noqa: S506
    assert stock["Of"][0] == {"Fn::GetAtt": ["Queue", "Arn"]}


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("a: &here 1\nb: *here\n", "YAML aliases are not allowed"),
        ("a: {<<: {b: 1}}\n", "YAML merges"),
    ],
)
def test_aliases_and_merges_are_refused(text: str, refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        yaml.load(text, template_aliases._Loader)  # noqa: S506


def test_an_anchor_alone_is_no_alias() -> None:
    assert yaml.load("a: &here 1\n", template_aliases._Loader) == {"a": 1}  # noqa: S506
