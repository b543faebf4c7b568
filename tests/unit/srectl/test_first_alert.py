"""The first alert of the README can be posted as it stands there."""

from __future__ import annotations

import datetime
import re
import subprocess

from srectl.operate.samples import alerts_in
from tests.support.template import ROOT

_BLOCK = re.compile(r"```sh\n(eval .*?WEBHOOK_API_KEY.*?)```", re.DOTALL)


def test_the_first_alert_of_the_readme_begins_now() -> None:
    [block] = _BLOCK.findall((ROOT / "README.md").read_text("utf-8"))
    [made] = re.findall(r"^(sed .*?) \|$", block, re.MULTILINE)
    body = subprocess.run(
        ["/bin/sh", "-c", made], cwd=ROOT, capture_output=True, text=True, check=True, timeout=10
    ).stdout
    now = datetime.datetime.now(datetime.UTC)
    [alert] = alerts_in(body, now)
    began = datetime.datetime.fromisoformat(alert["timestamp"])
    assert abs((now - began).total_seconds()) < 30
    assert alert["alert_name"] == "CheckoutHighErrorRate"


def test_the_readme_names_the_variables_that_env_exports() -> None:
    [block] = _BLOCK.findall((ROOT / "README.md").read_text("utf-8"))
    exports = (ROOT / "onemachine/stack/exports.py").read_text("utf-8")
    assert all(f'"{each}"' in exports for each in set(re.findall(r"\$(WEBHOOK_\w+)", block)))
