"""One list of what is paid for: counted by it, priced by it, shown by it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from onemachine.cost.prices import FILE, PricesUnusable, read_prices
from onemachine.cost.units import BY_NAME, UNITS
from tests.support.template import ROOT, deployed, of_type

METER = ROOT / "onemachine" / "aws" / "meter"


def shown() -> set[tuple[str, str]]:
    """Namespace and name of every metric of the cost dashboard."""
    board = of_type(deployed(), "AWS::CloudWatch::Dashboard")["CostDashboard"]
    text, names = board["DashboardBody"]["Fn::Sub"]
    text = re.sub(r"\$\{(\w+)\}", lambda found: str(names.get(found[1], ""))[:9], text)
    found: set[tuple[str, str]] = set()
    for widget in json.loads(text)["widgets"]:
        for row in widget["properties"].get("metrics", []):
            if isinstance(row[0], str):
                found.add((row[0], row[1]))
            else:
                found |= in_search(row[0]["expression"])
    return found


def in_search(expression: str) -> set[tuple[str, str]]:
    found = re.search(r"SEARCH\('\{([\w/]+),.*MetricName=\"(\w+)\"", expression)
    return {(found[1], found[2])} if found else set()


def test_the_cost_dashboard_shows_what_is_counted_and_nothing_else() -> None:
    assert shown() == {metric for unit in UNITS for metric in unit.metrics}


def test_what_the_dashboard_lacks_says_why() -> None:
    assert [unit.name for unit in UNITS if bool(unit.metrics) == bool(unit.unseen)] == []


def test_each_unit_has_a_price_and_the_page_that_says_so() -> None:
    prices = read_prices()
    assert len(BY_NAME) == len(UNITS)
    assert prices.prices.keys() == BY_NAME.keys()
    for price in prices.prices.values():
        assert price.source.startswith("https://aws.amazon.com/")
        assert price.usd > 0
        assert price.per >= 1


@pytest.mark.parametrize("change", ["lacks", "has too many"])
def test_a_list_that_does_not_fit_is_refused(tmp_path: Path, change: str) -> None:
    document: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    if change == "lacks":
        del document["prices"]["events"]
    else:
        document["prices"]["smiles"] = document["prices"]["events"]
    file = tmp_path / "prices.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    with pytest.raises(PricesUnusable, match=r"events|smiles"):
        read_prices(file)


def test_everything_that_is_not_there_anyway_is_counted_somewhere() -> None:
    source = "".join(path.read_text("utf-8") for path in METER.glob("*.py"))
    added = re.findall(r'(?:add\(\s*|every\(\w+, (?:"\w+"|name), )"(\w+)"', source)
    wanted = {unit.name for unit in UNITS if unit.how != "standing"} - {"custom_metrics"}
    assert set(added) == wanted
