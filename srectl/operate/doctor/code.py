"""Does what runs in the functions equal what was deployed, and that the checkout?

Lambda tells the digest of what runs. It is compared with the package in S3 that the deployed
template names, and the package, file by file of our own, with the checkout.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from srectl.errors import CommandFailed
from srectl.operate.doctor.check import TEMPLATE, Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, not_checked, warning
from srectl.operate.refusals import calling

__all__ = ["CHECK"]

_GENERATED = "/generated/"  # made from the schemas by the build
_SHOWN = 3


def look(deployment: Deployment) -> Iterator[Finding]:
    """Compare our own files of each function, byte by byte; and see that it can run."""
    account = deployment.account
    for logical_id, function, package in (
        ("AlertIngestFunction", account.ingest_function, "alert_ingest"),
        ("RunbookActionFunction", account.action_function, "runbook_action"),
    ):
        yield from _of(deployment, logical_id, function, package)


def _of(deployment: Deployment, logical_id: str, function: str, package: str) -> Iterator[Finding]:
    with calling(f"function {function} could not be read"):
        now = deployment.account.functions.get_function_configuration(FunctionName=function)
    state = now.get("State", "Active")
    if state not in ("Active", "Pending"):
        yield failed(
            function,
            f"is {state}: {now.get('StateReason', 'no reason given')}",
            f"aws lambda get-function-configuration --function-name {function}; "
            f"{deployment.deploy_again}",
        )
    if now.get("LastUpdateStatus") == "Failed":
        yield failed(
            function,
            f"its last update failed: {now.get('LastUpdateStatusReason', '')}",
            deployment.deploy_again,
        )
    bucket, key = _uploaded(deployment, logical_id)
    deployed = _fetched(deployment, bucket, key)
    if base64.b64encode(hashlib.sha256(deployed).digest()).decode() != now["CodeSha256"]:
        yield failed(
            function,
            f"runs code that no deployment put there (changed {now['LastModified']})",
            f"aws lambda update-function-code --function-name {function} --s3-bucket {bucket} "
            f"--s3-key {key} brings back what was deployed",
        )
        return
    yield _compared(deployment, function, package, deployed)


def _compared(deployment: Deployment, function: str, package: str, deployed: bytes) -> Finding:
    here = _here(deployment.root, package)
    if not here:
        return no_checkout(function)
    there = _there(deployed, package)
    different = sorted(
        name
        for name in here.keys() | there.keys()
        if here.get(name) != there.get(name) and _GENERATED not in f"/{name}"
    )
    if not different:
        return fine(function, f"runs the code of this checkout ({len(here)} files)")
    more = f" and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
    return warning(
        function,
        f"was deployed from other code than this checkout: {', '.join(different[:_SHOWN])}{more}",
        f"'git status' and 'git log -1' say what this checkout is; {deployment.deploy_again} "
        "brings it there",
    )


def no_checkout(where: str) -> Finding:
    """Give the finding that there is nothing here to compare with."""
    return not_checked(
        where,
        "this srectl is not in a checkout, so there is nothing to compare with",
        "run it in a checkout of what was deployed, as '.venv/bin/srectl doctor'; or leave the "
        "check out with --skip",
    )


def _here(root: Path, package: str) -> dict[str, bytes]:
    """Our own files of a function by their names in the package, as its Makefile picks them."""
    folder = root / "src" / package
    files = [*folder.rglob("*.py"), *folder.glob("schemas/*.json")]
    return {
        name: file.read_bytes()
        for file in files
        if not (name := file.relative_to(folder).as_posix()).startswith(".")
    }


def _uploaded(deployment: Deployment, logical_id: str) -> tuple[str, str]:
    """Give bucket and key of what a function was deployed from.

    Raises
    ------
    CommandFailed
        The deployed template does not say it as 'sam deploy' writes it.
    """
    resources = deployment.template.get("Resources") or {}
    place = resources.get(logical_id, {}).get("Properties", {}).get("CodeUri")
    if isinstance(place, Mapping):
        return str(place["Bucket"]), str(place["Key"])
    bucket, _, key = str(place).removeprefix("s3://").partition("/")
    if not str(place).startswith("s3://") or not key:
        raise CommandFailed(
            f"the deployed template does not say where the code of {logical_id} lies: {place}",
            "was it deployed by 'sam deploy'?",
        )
    return bucket, key


def _fetched(deployment: Deployment, bucket: str, key: str) -> bytes:
    with calling(f"what was deployed, s3://{bucket}/{key}, could not be fetched"):
        client = deployment.account.client("s3")
        return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())


def _there(deployed: bytes, package: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(deployed)) as archive:
            return {
                name.removeprefix(f"{package}/"): archive.read(name)
                for name in archive.namelist()
                if name.startswith(f"{package}/")
                and (name.endswith(".py") or f"{package}/schemas/" in name)
                and not name.endswith("/")
            }
    except zipfile.BadZipFile as error:
        raise CommandFailed(
            f"what {package} was deployed from is no archive: {error}", "deploy it again"
        ) from error


CHECK = Check(
    "code",
    "the functions' state, and their code against this checkout",
    (
        TEMPLATE,
        # The bucket that 'sam deploy --resolve-s3' makes.
        Grant(("s3:GetObject",), "arn:{partition}:s3:::aws-sam-cli-managed-default-*/*"),
        Grant(
            ("lambda:GetFunctionConfiguration",),
            "arn:{partition}:lambda:{region}:{account}:function:{prefix}alert-ingest",
        ),
        Grant(
            ("lambda:GetFunctionConfiguration",),
            "arn:{partition}:lambda:{region}:{account}:function:{prefix}runbook-action",
        ),
    ),
    look,
)
