"""Bills of materials name everything that the artifacts hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onemachine.sbom import ARTIFACTS, main, packages, sbom
from tests.support.template import ROOT


def test_every_artifact_has_one_with_each_package_once(tmp_path: Path) -> None:
    main(tmp_path)
    for artifact in ARTIFACTS:
        bill = json.loads((tmp_path / f"{artifact.name}.cdx.json").read_text())
        assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
        names = [one["bom-ref"] for one in bill["components"]]
        assert len(names) == len(set(names))
        lines = (ROOT / artifact.folder / "requirements.txt").read_text().splitlines()
        pinned = [line for line in lines if "==" in line]
        assert len(names) == len(pinned) + 1  # and what is under them
        assert bill["dependencies"] == [{"ref": artifact.name, "dependsOn": names}]
        assert bill == sbom(artifact)


def test_the_image_names_its_base() -> None:
    bill = sbom(next(one for one in ARTIFACTS if one.kind == "container"))
    bases = [one["name"] for one in bill["components"] if one["type"] == "container"]
    assert len(bases) == 1
    assert bases[0].startswith("python:3.11")


def test_names_are_those_of_the_index_and_hashes_do_not_disturb() -> None:
    text = "# x\nPyYAML==6.0.3 \\\n    --hash=sha256:00\ntyping_extensions==4.16.0 # y\n"
    assert packages(text) == {"pyyaml": "6.0.3", "typing-extensions": "4.16.0"}


def test_what_is_not_pinned_is_refused() -> None:
    with pytest.raises(ValueError, match="names no exact version"):
        packages("boto3>=1")
