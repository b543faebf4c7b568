"""What goes into the artifacts is pinned by its content, and lint says where it is not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from onemachine.artifacts import ARTIFACTS, bases, requirements
from onemachine.locks import problems
from tests.support.template import ROOT

DIGEST = "@sha256:" + "0" * 64


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "constraints.txt", tmp_path)
    for artifact in ARTIFACTS:
        folder = tmp_path / artifact.folder
        folder.mkdir(parents=True)
        for name in ("requirements.in", "requirements.txt", "Dockerfile"):
            if (ROOT / artifact.folder / name).exists():
                shutil.copy(ROOT / artifact.folder / name, folder)
    return tmp_path


def test_everything_is_pinned_by_its_content() -> None:
    assert problems() == []


def test_what_installs_asks_for_the_hashes() -> None:
    for artifact in ARTIFACTS:
        recipe = "Dockerfile" if artifact.kind == "container" else "Makefile"
        text = (ROOT / artifact.folder / recipe).read_text().replace("\\\n", " ")
        installs = [line for line in text.splitlines() if "pip install" in line]
        assert len(installs) == 1
        assert "--require-hashes" in installs[0]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "requirements.in",
            "flask==3.1.3",
            "flask==3.1.4",
            "flask is 3.1.3, not 3.1.4: type 'make",
        ),
        ("requirements.in", "flask==3.1.3\n", "", "flask is not in requirements.in"),
        ("requirements.in", "flask==3.1.3", "flask==3.1.3\nidna==3.20", "idna is not there"),
        ("requirements.in", "flask==3.1.3", "flask>=3", "'flask>=3' names no exact version"),
        ("requirements.txt", " --hash=sha256:", " --hash=md5:", "flask has no hash"),
        ("requirements.in", "flask==3.1.3", "flask==3.1.4", "constraints.txt tests 3.1.3"),
    ],
)
def test_where_lock_and_source_differ_it_says_so(
    copy: Path, file: str, old: str, new: str, said: str
) -> None:
    path = copy / "checkout_app" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert any(said in each and each.startswith("checkout_app") for each in problems(copy))


@pytest.mark.parametrize(
    "image", ["python:3.11-slim", "python@sha256:1f", "python:${TAG}" + DIGEST, "${BASE}"]
)
def test_an_image_without_a_digest_is_refused_with_what_to_type(copy: Path, image: str) -> None:
    (copy / "checkout_app" / "Dockerfile").write_text(
        f"FROM node:24{DIGEST} AS pages\nFROM {image}\nCOPY --from=pages /a /a\n"
    )
    (problem,) = problems(copy)
    assert problem.startswith(f"checkout_app/Dockerfile: {image} is no image by its digest")
    assert "docker buildx imagetools inspect" in problem


def test_stages_of_a_dockerfile_are_no_images_from_elsewhere() -> None:
    text = "from --platform=linux/amd64 a:1 as Built\nFROM scratch\nFROM built\nFROM b:2\n"
    assert bases(text) == ["a:1", "b:2"]


def test_names_are_those_of_the_index_and_a_short_hash_is_none() -> None:
    text = "# x\nPyYAML==6.0.3 \\\n    --hash=sha256:00\ntyping_extensions==4.16.0 # y\n"
    assert requirements(text) == {"pyyaml": ("6.0.3", []), "typing-extensions": ("4.16.0", [])}


def test_every_chart_that_is_installed_has_its_exact_version() -> None:
    for path in (*(ROOT / "docs").glob("*.md"), *(ROOT / "eks").rglob("*.yaml")):
        text = re.sub(r"\\\n[#\s]*", " ", path.read_text())
        for line in re.findall(r"helm (?:install|upgrade) .*", text):
            assert re.search(r"--version \d+\.\d+\.\d+(?= )", line), f"{path}: {line}"
