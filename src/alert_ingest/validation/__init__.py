"""Schema checks: a compiled validator says yes or no, and only a no is explained.

Compiled code answers in microseconds but stops at the first error; `explain` finds them all and
costs an import of jsonschema, so it is loaded for the first rejection and not before.
"""

from alert_ingest.validation.compiled import validator
from alert_ingest.validation.explain import explain

__all__ = ["explain", "validator"]
