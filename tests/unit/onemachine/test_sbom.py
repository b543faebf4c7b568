"""Bills of materials name everything that the artifacts hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from onemachine.artifacts import ARTIFACTS
from onemachine.sbom import main, sbom
from tests.support.template import ROOT

PUBLISHED = Path(__file__).parent / "cyclonedx"


@pytest.fixture(scope="module")
def cyclonedx() -> Draft7Validator:
    """CycloneDX 1.6, as it is published."""
    schemas = [json.loads(path.read_text()) for path in PUBLISHED.glob("*.json")]
    known: Registry[Any] = Registry().with_resources(
        (each["$id"], Resource.from_contents(each)) for each in schemas
    )
    (whole,) = [each for each in schemas if each["$id"].endswith("/bom-1.6.schema.json")]
    return Draft7Validator(whole, registry=known)


def test_every_artifact_has_one_with_each_package_once(
    tmp_path: Path, cyclonedx: Draft7Validator
) -> None:
    main(tmp_path)
    for artifact in ARTIFACTS:
        bill = json.loads((tmp_path / f"{artifact.name}.cdx.json").read_text())
        assert [each.message for each in cyclonedx.iter_errors(bill)] == []
        names = [one["bom-ref"] for one in bill["components"]]
        assert len(names) == len(set(names))
        lines = (ROOT / artifact.folder / "requirements.in").read_text().splitlines()
        pinned = [line for line in lines if "==" in line]
        assert len(names) == len(pinned) + 1  # and what is under them
        assert bill["dependencies"] == [{"ref": artifact.name, "dependsOn": names}]
        assert bill == sbom(artifact)


def test_what_does_not_fit_is_found(cyclonedx: Draft7Validator) -> None:
    bill = sbom(ARTIFACTS[0])
    for broken in ({**bill, "serialNumber": "7"}, {**bill, "components": [{"name": "x"}]}):
        assert list(cyclonedx.iter_errors(broken))


def test_the_image_names_its_base_by_its_digest() -> None:
    bill = sbom(next(one for one in ARTIFACTS if one.kind == "container"))
    (base,) = [one for one in bill["components"] if one["type"] == "container"]
    assert (base["name"], base["version"].startswith("3.11")) == ("python", True)
    (digest,) = base["hashes"]
    assert f"@sha256:{digest['content']}" in (ROOT / "checkout_app/Dockerfile").read_text()
