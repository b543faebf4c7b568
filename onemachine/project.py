"""Where the project's checkout is: the stack runs its template, its code and its manifests."""

from __future__ import annotations

from pathlib import Path

__all__ = ["PROJECT_ROOT"]

PROJECT_ROOT = Path(__file__).resolve().parents[1]
