"""A component that is built in no time."""

from __future__ import annotations

from pathlib import Path

from onemachine.binaries import Component


def component_in(folder: Path) -> Component:
    """The component that the module in a folder builds."""
    return Component(
        name="tool",
        version="1.2.3",
        module="example.test/tool",
        packages=(("tool", "example.test/tool"),),
        version_symbol="main.version",
        reported_version="1.2.3",
        module_folder=folder,
    )
