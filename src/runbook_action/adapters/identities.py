"""STS says whose signature a signed GetCallerIdentity bears."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import urllib3

from runbook_action.errors import ActionRefused, AwsUnavailable

HEADER = "x-sre-approval"
_ARN = re.compile(r"<Arn>\s*([^<\s]+)\s*</Arn>")
_SIGNED = {"Action": "GetCallerIdentity", "X-Amz-Algorithm": "AWS4-HMAC-SHA256"}
_MOST = 16_384
_DENIED = frozenset({400, 401, 403})


def sts_host(region: str) -> str:
    """Give the host of the regional STS, which signatures name."""
    return f"sts.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")


class StsIdentities:
    """The regional STS, asked with the approver's own signature instead of ours.

    Parameters
    ----------
    endpoint
        Address of STS, such as https://sts.eu-central-1.amazonaws.com: nothing else is called.
    host
        Name of the host that approvers sign for.
    """

    def __init__(self, endpoint: str, host: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._host = host
        self._pool = urllib3.PoolManager(retries=False)

    def signer(self, proof: str, statement: str) -> str:
        """Give the ARN of who signed a statement.

        Parameters
        ----------
        proof
            Query of the signed request, as ``srectl approve`` makes it.
        statement
            What must have been signed, as the value of the header.

        Raises
        ------
        ActionRefused
            It is no such request, is forged, too old, or signs something else.
        AwsUnavailable
            STS did not answer.
        """
        pairs = parse_qsl(proof, keep_blank_values=True)
        given = dict(pairs)
        signed = given.get("X-Amz-SignedHeaders", "").split(";")
        odd = len(proof) > _MOST or len(given) != len(pairs)
        if odd or not _SIGNED.items() <= given.items() or HEADER not in signed:
            raise ActionRefused("the approval is no signed GetCallerIdentity of an approval.")
        try:
            answer = self._pool.request(
                "GET",
                f"{self._endpoint}/?{proof}",
                headers={"Host": self._host, HEADER: statement},
                redirect=False,
                timeout=urllib3.Timeout(connect=3, read=8, total=10),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # Its message may hold the address, and that the signature.
            raise AwsUnavailable(f"STS did not answer ({type(error).__name__})") from None
        if answer.status in _DENIED:
            raise ActionRefused(
                f"AWS does not know the signature of the approval (STS answered {answer.status}): "
                f"it is forged, older than 15 minutes, or of another incident, step or plan."
            )
        found = _ARN.search((answer.data or b"").decode("utf-8", "replace"))
        if answer.status != 200 or not found:
            raise AwsUnavailable(f"STS answered {answer.status} and named nobody")
        return found[1]
