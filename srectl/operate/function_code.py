"""The code of the Lambda functions, for commands that must judge exactly as a function does.

The functions are no part of the installed tool: they stand beside it, in a checkout of the project.
Nothing of ``src/`` is therefore imported where a module of ``srectl`` begins, only inside of
functions, and only after ``need_function_code`` has said that it is there.
"""

from __future__ import annotations

import importlib.util
import sys

from srectl.errors import CommandFailed
from srectl.project import PROJECT_ROOT

__all__ = ["need_function_code"]


def need_function_code(fault: str, way_out: str, *, needs: tuple[str, ...] = ()) -> None:
    """Make ``alert_ingest`` and ``runbook_action`` importable, or say why they cannot be.

    Parameters
    ----------
    fault
        What cannot be done without them, as the first half of an error.
    way_out
        What to do then.
    needs
        Modules that their code imports and that an installed srectl may lack.

    Raises
    ------
    CommandFailed
        This is no checkout, or one of ``needs`` is not installed.

    Examples
    --------
    >>> need_function_code("a step's rights are known to its action", "use a checkout")
    >>> from runbook_action.actions import REGISTRY
    """
    source = PROJECT_ROOT / "src"
    if not source.is_dir() or any(importlib.util.find_spec(name) is None for name in needs):
        raise CommandFailed(f"{fault}, which is not installed here", way_out)
    if str(source) not in sys.path:
        sys.path.append(str(source))
