"""Whether everything that goes into an artifact is pinned by its content (part of `make lint`).

Packages by their hashes, which agree with what the artifact asks for and with what is tested; base
images by their digest. A tag may be another image tomorrow, a digest is one image for good.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from onemachine.artifacts import ARTIFACTS, bases, requirements
from onemachine.project import PROJECT_ROOT

_DIGEST = re.compile(r"[^$@\s]+@sha256:[0-9a-f]{64}")


def problems(project: Path = PROJECT_ROOT) -> list[str]:
    """Give what is not pinned, or not as it should be: one line each, with what to do.

    Raises
    ------
    OSError
        A file of an artifact cannot be read.
    """
    found = []
    tested = requirements((project / "constraints.txt").read_text())
    for artifact in ARTIFACTS:
        folder = project / artifact.folder
        try:
            asked = requirements((folder / "requirements.in").read_text())
            locked = requirements((folder / "requirements.txt").read_text())
        except ValueError as error:
            found.append(f"{artifact.folder}: {error}")
            continue
        found += [f"{artifact.folder}/{each}" for each in _differences(asked, locked)]
        found += [
            f"{artifact.folder}/requirements.in: {name} is {version}, and constraints.txt tests "
            f"{tested[name][0] if name in tested else 'no version of it'}"
            for name, (version, _) in asked.items()
            if tested.get(name, ("",))[0] != version
        ]
    for path in sorted([*project.glob("[!.]*/Dockerfile*"), *project.glob("[!.]*/*/Dockerfile*")]):
        found += [
            f"{path.relative_to(project)}: {image} is no image by its digest: write "
            f"NAME:TAG@DIGEST, with the digest that 'docker buildx imagetools inspect "
            f'{image.partition("@")[0]} --format "{{{{.Manifest.Digest}}}}"\' prints'
            for image in bases(path.read_text())
            if not _DIGEST.fullmatch(image)
        ]
    return found


def _differences(
    asked: dict[str, tuple[str, list[str]]], locked: dict[str, tuple[str, list[str]]]
) -> Iterator[str]:
    for name in sorted(asked.keys() | locked.keys()):
        wanted, (version, hashes) = asked.get(name), locked.get(name, ("", []))
        if wanted is None:
            yield f"requirements.txt: {name} is not in requirements.in: type 'make lock'"
        elif wanted[0] != version:
            has = version or "not there"
            yield f"requirements.txt: {name} is {has}, not {wanted[0]}: type 'make lock'"
        elif not hashes:
            yield f"requirements.txt: {name} has no hash: type 'make lock'"


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    found = problems()
    sys.stdout.writelines(f"{each}\n" for each in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
