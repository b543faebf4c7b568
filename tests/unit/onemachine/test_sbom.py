"""Bills of materials name everything that the artifacts hold."""

from __future__ import annotations

import json
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from onemachine.artifacts import ARTIFACTS
from onemachine.sbom import main, sbom
from tests.support.template import ROOT

CYCLONEDX = JsonStrictValidator(SchemaVersion.V1_6)


def test_every_artifact_has_one_with_each_package_once(tmp_path: Path) -> None:
    main(tmp_path)
    for artifact in ARTIFACTS:
        text = (tmp_path / f"{artifact.name}.cdx.json").read_text()
        assert CYCLONEDX.validate_str(text) is None
        bill = json.loads(text)
        names = [one["bom-ref"] for one in bill["components"]]
        assert len(names) == len(set(names))
        lines = (ROOT / artifact.folder / "requirements.in").read_text().splitlines()
        pinned = [line for line in lines if "==" in line]
        assert len(names) == len(pinned) + 1  # and what is under them
        assert bill["dependencies"] == [{"ref": artifact.name, "dependsOn": names}]
        assert bill == sbom(artifact)


def test_what_does_not_fit_is_found() -> None:
    bill = sbom(ARTIFACTS[0])
    for broken in ({**bill, "serialNumber": "7"}, {**bill, "components": [{"name": "x"}]}):
        assert CYCLONEDX.validate_str(json.dumps(broken)) is not None


def test_the_image_names_its_base_by_its_digest() -> None:
    bill = sbom(next(one for one in ARTIFACTS if one.kind == "container"))
    (base,) = [one for one in bill["components"] if one["type"] == "container"]
    assert (base["name"], base["version"].startswith("3.11")) == ("python", True)
    (digest,) = base["hashes"]
    assert f"@sha256:{digest['content']}" in (ROOT / "checkout_app/Dockerfile").read_text()
