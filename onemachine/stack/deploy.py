"""Building and deploying the template onto the local AWS, with the same tool as onto the real one.

The template is deployed as it stands: ``sam build``, then ``sam deploy --config-env local``. A
build is kept under ``build/sam/<hash of everything that goes into it>`` and used again as long as
nothing of that changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onemachine.processes.errors import StartFailed
from onemachine.stack.children import Children
from srectl import LAZILY
from srectl.operate.doctor import template_text

if TYPE_CHECKING:
    from onemachine.aws.local_aws import LocalAws

__all__ = [
    "Application",
    "StackOutputs",
    "build",
    "deploy",
    "parameter_overrides",
    "source_hash",
]

# What the template refers to by path, relative to the project's root.
_SOURCES = ("src", "statemachine", "dashboards")
_IGNORED_NAMES = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
_CONFIG_ENVIRONMENT = "local"
_BUILDS_KEPT = 6

# pip runs inside the build: it must reach its index in whatever way this machine is set up.
_BUILD_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE")
_BUILD_PREFIXES = ("PIP_", "REQUESTS_CA_")


@dataclass(frozen=True)
class Application:
    """What is to be deployed.

    Parameters
    ----------
    root : Path
        The project: sources, ``samconfig.toml``.
    template : Path
        The SAM template; its relative paths count from ``root``, wherever it lies.
    builds : Path
        Folder of finished builds.
    """

    root: Path
    template: Path
    builds: Path

    @property
    def config_file(self) -> Path:
        """SAM's configuration."""
        return self.root / "samconfig.toml"


@dataclass(frozen=True)
class StackOutputs:
    """What the deployed stack is reached by.

    Parameters
    ----------
    values : mapping
        The template's outputs.
    """

    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        try:
            return self.values[name]
        except KeyError:
            raise StartFailed(
                f"output {name} of the deployed template",
                f"it has only {', '.join(sorted(self.values))}: does the template lack it?",
            ) from None


def build(application: Application, children: Children) -> tuple[Path, bool]:
    """Give the built template; build it where nothing equal was built before.

    Returns
    -------
    (Path, bool)
        Path of the built template, and whether it was built now.

    Raises
    ------
    StartFailed
        ``sam build`` failed.
    """
    place = application.builds / source_hash(application)
    built = place / "build" / "template.yaml"
    with _locked(application.builds / ".lock"):
        if built.is_file():
            os.utime(place)
            return built, False
        work = application.builds / f".{place.name}"
        shutil.rmtree(work, ignore_errors=True)
        source = _source_folder(application, work)
        children.run(
            "sam-build",
            [
                *(_sam(), "build"),
                *("--template-file", str(source / "template.yaml")),
                *("--base-dir", str(source)),
                *("--build-dir", str(work / "build")),
                *("--config-file", str(application.config_file)),
                *("--config-env", _CONFIG_ENVIRONMENT),
                # Makefile builds run at once: each has its own folder.
                "--parallel",
            ],
            _build_environment(),
            cwd=source,
            what="'sam build' of the template",
        )
        _write_as_json(work / "build" / "template.yaml")
        shutil.rmtree(place, ignore_errors=True)
        # The built template names its artifacts relative to itself, so the folder can be moved.
        work.rename(place)
        _forget_old_builds(application.builds)
    return built, True


def deploy(
    application: Application,
    built_template: Path,
    aws: LocalAws,
    children: Children,
    overrides: Mapping[str, str],
) -> StackOutputs:
    """Deploy a built template onto the local AWS.

    Parameters
    ----------
    overrides : mapping
        Template parameters, in place of those of ``samconfig.toml``.

    Raises
    ------
    StartFailed
        ``sam deploy`` failed; with CloudFormation's events in the log's tail.
    """
    children.run(
        "sam-deploy",
        [
            *(_sam(), "deploy"),
            *("--template-file", str(built_template)),
            *("--config-file", str(application.config_file)),
            *("--config-env", _CONFIG_ENVIRONMENT),
            "--no-progressbar",
            "--parameter-overrides",
            *(f"{name}={value}" for name, value in overrides.items()),
        ],
        {**aws.operator_environment(), **sam_environment(), "PYTHONPATH": str(LAZILY)},
        cwd=application.root,
        what="'sam deploy' of the template",
    )
    stacks = aws.client("cloudformation").describe_stacks(StackName=_stack_name(application))
    outputs = stacks["Stacks"][0].get("Outputs", [])
    return StackOutputs({each["OutputKey"]: each["OutputValue"] for each in outputs})


def parameter_overrides(application: Application, changes: Mapping[str, str]) -> dict[str, str]:
    """Give the parameters of ``samconfig.toml``'s local environment with some of them changed.

    The command line replaces the whole list of the file, so all of them must be named.
    """
    given = _local_config(application)["deploy"]["parameters"].get("parameter_overrides", [])
    entries = given.split() if isinstance(given, str) else given
    return {**dict(entry.split("=", 1) for entry in entries), **changes}


def source_hash(application: Application) -> str:
    """Give a hash of everything that decides how a build comes out."""
    digest = hashlib.sha256()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest.update(f"format 2, python {version}\0".encode())
    digest.update(application.template.read_bytes())
    for folder in _SOURCES:
        for path in sorted((application.root / folder).rglob("*")):
            if path.is_file() and not _IGNORED_NAMES.intersection(path.parts):
                content = path.read_bytes()
                name = path.relative_to(application.root)
                digest.update(f"\0{name}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.hexdigest()[:20]


def _source_folder(application: Application, work: Path) -> Path:
    """Give a folder in which the template's relative paths lead to the project's sources."""
    folder = work / "source"
    folder.mkdir(parents=True)
    shutil.copyfile(application.template, folder / "template.yaml")
    for name in _SOURCES:
        # Copies, not links: SAM keeps paths of state machine definitions, and an edit during a
        # build must not end in a build that equals no source.
        shutil.copytree(
            application.root / name,
            folder / name,
            ignore=shutil.ignore_patterns(*_IGNORED_NAMES),
        )
    return folder


def _write_as_json(template: Path) -> None:
    """Write a built template anew, the same in JSON, which is YAML too.

    'sam deploy' reads it seven times, 'sam deploy --guided' nine: half a second of CPU each time
    for this template in YAML, and next to nothing in JSON.
    """
    what = template_text.read(template.read_text("utf-8"))
    template.write_text(json.dumps(what, indent=1, default=str), "utf-8")


def _forget_old_builds(builds: Path) -> None:
    finished = [each for each in builds.iterdir() if each.is_dir() and each.name[0] != "."]
    finished.sort(key=lambda each: each.stat().st_mtime, reverse=True)
    for old in finished[_BUILDS_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sam() -> str:
    beside = Path(sys.executable).with_name("sam")
    found = str(beside) if beside.exists() else shutil.which("sam")
    if found is None:
        raise StartFailed(
            "the SAM CLI", f"there is no 'sam' beside {sys.executable} and none on PATH: make setup"
        )
    return found


def sam_environment() -> dict[str, str]:
    """Give what SAM CLI is run with besides the account: no profile, no news of itself."""
    return {
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_CHECK_VERSION": "0",
        # Never the user's own profile: with it a deployment could reach a real account.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PATH": os.pathsep.join(
            (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
        ),
    }


def _build_environment() -> dict[str, str]:
    wanted = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _BUILD_VARIABLES or name.startswith(_BUILD_PREFIXES)
    }
    return {**wanted, **sam_environment()}


def _local_config(application: Application) -> dict[str, dict[str, dict[str, str | list[str]]]]:
    config = tomllib.loads(application.config_file.read_text("utf-8"))
    local: dict[str, dict[str, dict[str, str | list[str]]]] = config[_CONFIG_ENVIRONMENT]
    return local


def _stack_name(application: Application) -> str:
    return str(_local_config(application)["global"]["parameters"]["stack_name"])
