"""Secrets that are known by their own shape, whatever key or word stands before them.

Tokens of providers have prefixes that nothing else has; a block of PEM says what it is; the address
of a chat's webhook, and what signs an address, are as good as a password. Each shape stands beside
the words of which one is in all that it matches, in lower case: a text without any of them need not
be searched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

# Lower-case words, and the shape that contains one of them.
_TOKENS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{30,255}"),
    (("github_pat_",), r"github_pat_[A-Za-z0-9_]{22,255}"),
    (
        ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glft-", "glsoat-", "glimt-", "glagent-"),
        r"gl(?:pat|dt|rt|ptt|cbt|ft|soat|imt|agent)-[A-Za-z0-9_.\-]{20,255}",
    ),
    (("xox",), r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9\-]{10,255}"),
    (("xapp-",), r"xapp-[0-9]-[A-Za-z0-9\-]{10,255}"),
    (("_live_", "_test_"), r"[srp]k_(?:live|test)_[A-Za-z0-9]{16,255}"),
    (("whsec_",), r"whsec_[A-Za-z0-9+/=]{24,255}"),
    (("aiza",), r"AIza[A-Za-z0-9_\-]{35}"),
    (("ya29.",), r"ya29\.[A-Za-z0-9_\-]{20,2048}"),
    (("gocspx-",), r"GOCSPX-[A-Za-z0-9_\-]{20,64}"),
    (
        ("sk-",),
        r"sk-(?:(?:ant|proj|svcacct|admin|or)-[A-Za-z0-9_\-]{20,255}|[A-Za-z0-9]{32,255})",
    ),
    (("hf_",), r"hf_[A-Za-z0-9]{30,64}"),
    (("npm_",), r"npm_[A-Za-z0-9]{36}"),
    (("pypi-age",), r"pypi-AgE[A-Za-z0-9_\-]{20,512}"),
    (("dckr_pat_",), r"dckr_pat_[A-Za-z0-9_\-]{20,64}"),
    (("sg.",), r"SG\.[A-Za-z0-9_\-]{16,64}\.[A-Za-z0-9_\-]{16,128}"),
    (("sk",), r"SK[0-9a-f]{32}"),
    (("key-",), r"key-[0-9a-f]{32}"),
    (("_v1_",), r"do[opr]_v1_[0-9a-f]{64}"),
    (("hvs.", "hvb.", "hvr."), r"hv[sbr]\.[A-Za-z0-9_\-]{24,512}"),
    ((".atlasv1.",), r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-]{60,80}"),
    (("glsa_", "glc_"), r"gl(?:sa|c)_[A-Za-z0-9+/=_]{32,512}"),
    (("nrak-", "nraa-", "nrii-"), r"NR(?:AK|AA|II)-[A-Za-z0-9_\-]{20,64}"),
    (("dt0",), r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    (("sntry", "sntru"), r"sntry[su]_[A-Za-z0-9+/=_\-]{40,512}"),
    (("dapi",), r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    (("shpat_", "shpca_", "shppa_", "shpss_"), r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    (("atatt3",), r"ATATT3[A-Za-z0-9_\-=]{50,512}"),
    (("lin_api_",), r"lin_api_[A-Za-z0-9]{40}"),
    (("pmak-",), r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    (("ltai",), r"LTAI[A-Za-z0-9]{16,24}"),
    ((":aa",), r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{32,34}"),
    (("age-secret-key-",), r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
)
_PEM = r"-----BEGIN [A-Z0-9 ]{1,40}-----.*?(?:-----END [A-Z0-9 ]{1,40}-----|\Z)"
# A chat's or a pager's address that anybody may post to who knows it; the host stays.
_WEBHOOK = (
    r"(https?://(?:"
    r"hooks\.slack\.com/|api\.telegram\.org/bot|events\.pagerduty\.com/integration/"
    r"|[a-z0-9\-.]{1,100}\.webhook\.office\.com/"
    r"|[^\s\"'<>/\\]{1,255}/(?:[^\s\"'<>/?#\\]{1,128}/){0,6}?(?:web)?hooks?/"
    r"))[^\s\"'<>\\]+"
)
# What signs an address, beyond those whose names say so (X-Amz-Signature, X-Goog-Credential).
_SIGNED = r"((?:[?&;]|%3F|%26)(?:sig|hmac|sas|jwt|auth)(?:=|%3D))[^\s&\"'#<>\\]+"
_EMAIL_LOCAL = r"A-Za-z0-9._%+\-"
_EMAIL = (
    rf"(?<![{_EMAIL_LOCAL}])[{_EMAIL_LOCAL}]++@[A-Za-z0-9\-]{{1,63}}(?:\.[A-Za-z0-9\-]{{1,63}})"
    r"{1,8}"
)

TELLTALES: tuple[str, ...] = (
    # "sk" is in too many words to be looked for: see `holds_telltale`.
    *(word for words, _ in _TOKENS for word in words if word != "sk"),
    "-----begin ",
    "hooks.slack.com",
    "telegram.org/bot",
    "pagerduty.com/integration",
    ".webhook.office.com",
    "hook/",
    "hooks/",
    *("sig=", "hmac=", "sas=", "jwt=", "auth=", "sig%3d", "hmac%3d", "sas%3d", "jwt%3d"),
    "auth%3d",
)


@dataclass(frozen=True, slots=True)
class _Shapes:
    token: re.Pattern[str]
    pem: re.Pattern[str]
    webhook: re.Pattern[str]
    signed: re.Pattern[str]
    email: re.Pattern[str]


@cache
def _shapes(joined: bool) -> _Shapes:
    """Compile them; most containers never see a text that needs it."""
    edge = "" if joined else "(?<![A-Za-z0-9])"
    return _Shapes(
        token=re.compile(rf"{edge}(?:{'|'.join(shape for _, shape in _TOKENS)})"),
        pem=re.compile(_PEM, re.DOTALL),
        webhook=re.compile(_WEBHOOK, re.I),
        signed=re.compile(_SIGNED, re.I),
        email=re.compile(_EMAIL),
    )


def holds_telltale(text: str, lower: str) -> bool:
    """Tell whether a text could hold one of the shapes.

    Parameters
    ----------
    text, lower
        The text, and the same in lower case.
    """
    for word in TELLTALES:
        if word in lower:
            return True
    return "SK" in text


def mask_shapes(text: str, mask: str, *, joined: bool, email_addresses: bool) -> str:
    """Replace whatever has one of the shapes.

    Parameters
    ----------
    text
        Any text.
    mask
        What stands in its place.
    joined
        Whether something was taken out of the text: then a shape is known amid a word, too.
    email_addresses
        Whether e-mail addresses are replaced, too.
    """
    shapes = _shapes(joined)
    text = shapes.pem.sub(mask, text)
    text = shapes.webhook.sub(rf"\1{mask}", text)
    text = shapes.signed.sub(rf"\1{mask}", text)
    text = shapes.token.sub(mask, text)
    return shapes.email.sub(mask, text) if email_addresses else text
