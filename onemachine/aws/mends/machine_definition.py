"""Mends state machine definitions in YAML, and what is handed in to them.

CloudFormation takes a definition file in JSON or YAML, puts in what ``DefinitionSubstitutions``
gives before it parses, until nothing is left to put in, and refuses anchors and aliases. The
emulator puts in each value once and keeps the text as it is, which its machines then read as JSON:
a file in YAML is deployed and fails at its first execution.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services.cloudformation import provisioners

from onemachine.aws.definitions import DefinitionRefused, read_definition, substituted


def apply() -> None:
    """Read definition files as CloudFormation does, before a machine is made or changed."""
    stock_definition = provisioners._sfn_definition

    def definition(props: dict[str, Any]) -> str:
        text = str(stock_definition({**props, "DefinitionSubstitutions": None}))
        values = props.get("DefinitionSubstitutions") or {}
        try:
            if not props.get("DefinitionS3Location"):
                return substituted(text, values)
            return json.dumps(read_definition(text, values))
        except DefinitionRefused as error:
            refused: ValueError = provisioners._sfn_handler_error(str(error))
            raise refused from error

    provisioners._sfn_definition = definition
