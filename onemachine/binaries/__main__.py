"""Find, download or build every binary of the one-machine stack, and print where each came from."""

from __future__ import annotations

import argparse
import sys
import time

from rich import box
from rich.console import Console
from rich.table import Table

from onemachine.binaries.components import COMPONENTS, Component
from onemachine.binaries.errors import BinaryUnavailable
from onemachine.binaries.locate import ASSETS_VARIABLE, Location, locate, where_looked
from onemachine.binaries.mirror import MIRROR_VARIABLE
from onemachine.binaries.progress import showing
from onemachine.binaries.provide import provide, reported_version


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        Command line without the program's name; None takes the process'.

    Returns
    -------
    int
        0 where every wanted component is there, else 1. An optional one may be missing unless it
        was named.
    """
    parser = argparse.ArgumentParser(
        prog="python -m onemachine.binaries",
        description=f"{__doc__} Looks in {ASSETS_VARIABLE}, then in the cache; downloads what is "
        f"not there ({MIRROR_VARIABLE} names a mirror, 'off' forbids it), or else builds it.",
    )
    # No 'choices': argparse would refuse the empty list that means all.
    parser.add_argument(
        "component", nargs="*", help=f"which ones: {', '.join(COMPONENTS)}; all without"
    )
    parser.add_argument(
        "--needed", action="store_true", help="only those without which no stack starts"
    )
    parser.add_argument("--check", action="store_true", help="only look, get nothing")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.component if name not in COMPONENTS]
    if unknown:
        parser.error(f"no component {', '.join(unknown)}; there are {', '.join(COMPONENTS)}")

    console = Console(stderr=True)
    wanted = [COMPONENTS[name] for name in options.component] or [
        each for each in COMPONENTS.values() if not (options.needed and each.optional)
    ]
    rows: list[tuple[Component, Location, str]] = []
    problems: list[str] = []
    left_out: list[str] = []
    with showing(console) as progress:
        for component in wanted:
            started = time.monotonic()
            may_miss = component.optional and not options.component
            lacking = left_out if may_miss else problems
            try:
                location = locate(component) if options.check else provide(component, progress)
                if location is None:
                    lacking.append(f"{component.label} is not here: {where_looked(component)}.")
                    continue
                reported = {
                    reported_version(component, location.folder, binary)
                    for binary in component.binaries
                }
            except BinaryUnavailable as error:
                lacking.append(str(error))
                continue
            if " now" in location.origin:  # not found, but made
                seconds = time.monotonic() - started
                location = Location(location.folder, f"{location.origin} in {seconds:.0f} s")
            rows.append((component, location, ", ".join(sorted(reported))))
    if rows:
        output = Console()
        if not output.is_terminal:  # rich takes a pipe for 80 columns wide
            output = Console(width=160)
        output.print(_table(rows))
    told = [("red", each) for each in problems]
    told += [("yellow", f"{each}\nA stack starts without it.") for each in left_out]
    for style, text in told:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
    return 1 if problems else 0


def _table(rows: list[tuple[Component, Location, str]]) -> Table:
    table = Table("component", "reports", "from", "binaries", box=box.SIMPLE)
    table.columns[-1].overflow = "fold"  # a path that is cut short is of no use
    for component, location, reported in rows:
        places = "\n".join(str(location.folder / binary) for binary in component.binaries)
        table.add_row(component.label, reported, location.origin, places)
    return table


if __name__ == "__main__":
    sys.exit(main())
