"""Where the project's checkout is: runbooks, sample events and the functions' code stand there."""

from __future__ import annotations

from pathlib import Path

__all__ = ["PROJECT_ROOT"]

PROJECT_ROOT = Path(__file__).resolve().parents[1]
