"""Kubernetes' own variable expansion: ``$(NAME)`` in commands, arguments and values.

It is not a shell's. The rules are those of the Pod API (field ``env[].value``): a reference
that cannot be resolved stays as it stands, ``$$(NAME)`` gives the literal ``$(NAME)``.
"""

import re
from collections.abc import Iterable, Mapping

_REFERENCE = re.compile(r"\$\$|\$\(([^()\s]*)\)")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Expand the references in one string.

    Parameters
    ----------
    text : str
        Text with ``$(NAME)`` references.
    variables : Mapping[str, str]
        Known variables; values are inserted as they are, not expanded again.
    """

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1], match[0])

    return _REFERENCE.sub(replace, text)


def expand_all(texts: Iterable[str], variables: Mapping[str, str]) -> list[str]:
    """Expand every string of a command line."""
    return [expand(text, variables) for text in texts]
