"""The state machines as they are deployed: their files, with what the template hands in to them.

Nothing of a machine is described a second time here: file, kind and ``DefinitionSubstitutions`` are
read from the template. A test only says what stands for the resources that the template names, and
which parameters have another value than their default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onemachine.aws.definitions import read_definition
from tests.support.template import ROOT, deployed, of_type

_PLACEHOLDER = re.compile(r"\$\{([\w.:]+)\}")
#: What a value stands for where a test asks only for the shape of a machine.
_ANYTHING = "anything"


@dataclass(frozen=True)
class Machine:
    """One state machine of the template.

    Attributes
    ----------
    logical_id
        Such as ``IncidentRecorder``.
    kind
        Name of its file, such as ``incident-recorder``.
    properties
        Of its resource.
    """

    logical_id: str
    kind: str
    properties: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The file as it stands."""
        path = ROOT / str(self.properties["DefinitionS3Location"])
        return path.read_text("utf-8")

    @property
    def express(self) -> bool:
        """Whether its executions are paid by duration instead of by transition."""
        return bool(self.properties["StateMachineType"] == "EXPRESS")

    def substitutions(self, values: Mapping[str, str] | None = None) -> dict[str, str]:
        """Resolve ``DefinitionSubstitutions``.

        Parameters
        ----------
        values
            What a name stands for: the name of a substitution, or what the template refers to
            (``IncidentTable``, ``RunbookActionFunction.Arn``, ``AWS::Region``). A parameter that is
            not named has its default. Without any values all but parameters are placeholders.

        Raises
        ------
        LookupError
            A value is missing, or the machine has no use for one.
        """
        resolver = _Resolver(values)
        wanted = self.properties["DefinitionSubstitutions"]
        return {
            name: values[name] if values and name in values else resolver.text(given)
            for name, given in wanted.items()
        }

    def definition(self, values: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the definition that Step Functions is given; parameters as for `substitutions`."""
        return read_definition(self.text, self.substitutions(values))


class _Resolver:
    """Resolves the intrinsic functions that substitutions are made of."""

    def __init__(self, values: Mapping[str, str] | None) -> None:
        template = deployed()
        self._values = values
        self._mappings = template["Mappings"]
        self._defaults = {
            name: str(parameter["Default"])
            for name, parameter in template["Parameters"].items()
            if "Default" in parameter
        }

    def text(self, given: Any) -> str:
        if isinstance(given, str):
            return given
        ((function, argument),) = given.items()
        if function == "Ref":
            return self._named(argument)
        if function == "Fn::GetAtt":
            return self._named(".".join(argument))
        if function == "Fn::FindInMap":
            first, second, third = argument
            return str(self._mappings[first][second][third])
        if function == "Fn::Sub":
            return _PLACEHOLDER.sub(lambda found: self._named(found[1]), argument)
        if function == "Fn::If":  # as deployed by default: none of the conditions holds
            return self.text(argument[2])
        raise LookupError(f"a substitution is made with {function}, which is not known here")

    def _named(self, name: str) -> str:
        if self._values is not None and name in self._values:
            return self._values[name]
        if name in self._defaults:
            return self._defaults[name]
        if self._values is None:
            return _ANYTHING
        raise LookupError(f"nothing stands for {name}")


def machines() -> dict[str, Machine]:
    """Return the template's state machines by kind, such as ``incident-recorder``."""
    found = {}
    for name, properties in of_type(deployed(), "AWS::StepFunctions::StateMachine").items():
        kind = str(properties["DefinitionS3Location"]).rsplit("/", 1)[-1].removesuffix(".asl.yaml")
        found[kind] = Machine(name, kind, properties)
    return found
