"""docs/monitoring-review.md answers each finding, and names the test that sees it stay mended."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
ROWS = {
    int(cells[0]): cells
    for line in (ROOT / "docs/monitoring-review.md").read_text("utf-8").splitlines()
    if (cells := [cell.strip() for cell in line.strip("|").split("|")])[0].isdigit()
}


def test_each_of_the_findings_is_mended_or_answered_and_none_is_open() -> None:
    assert sorted(ROWS) == list(range(1, 24))
    for number, (_, _, became, _) in ROWS.items():
        assert became.startswith(("mended: ", "as it is: ")), number
        assert "Open" not in became, number


def test_what_is_mended_names_a_test_that_is_there() -> None:
    for number, (_, _, became, seen) in ROWS.items():
        files = re.findall(r"`([^`]+)`", seen)
        assert bool(files) == became.startswith("mended: "), number
        assert [file for file in files if not (ROOT / file).is_file()] == [], number


def test_the_image_is_made_of_what_its_digests_say() -> None:
    text = (ROOT / "checkout_app/Dockerfile").read_text("utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)

    assert bases
    assert [base for base in bases if not re.search(r"@sha256:[0-9a-f]{64}$", base)] == []
    assert "--require-hashes" in text


def test_a_rollout_spreads_its_own_pods_and_not_those_that_it_replaces() -> None:
    documents = yaml.safe_load_all((ROOT / "eks/apps/base/checkout.yaml").read_text("utf-8"))
    (deployment,) = (each for each in documents if each["kind"] == "Deployment")
    spreads = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]

    assert spreads
    assert all(each["matchLabelKeys"] == ["pod-template-hash"] for each in spreads)
