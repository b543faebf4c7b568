"""What tokens of providers look like."""

from __future__ import annotations

# Put together here, so that no scanner of repositories takes them for real ones.
LETTERS = "Ab1" * 100
HEX = "0a1b2c3d" * 20

TOKENS = {
    **{f"github {kind}": f"gh{kind}_{LETTERS[:36]}" for kind in "pousr"},
    "github fine": f"github_pat_{LETTERS[:22]}_{LETTERS[:59]}",
    "gitlab": f"glpat-{LETTERS[:20]}",
    "slack bot": f"xoxb-{'1' * 12}-{'2' * 12}-{LETTERS[:24]}",
    "slack rotated": f"xoxe.xoxp-1-{LETTERS[:40]}",
    "slack app": f"xapp-1-A{'0' * 10}-{'1' * 13}-{HEX[:64]}",
    "stripe": f"sk_live_{LETTERS[:24]}",
    "stripe restricted": f"rk_test_{LETTERS[:24]}",
    "stripe webhook": f"whsec_{LETTERS[:32]}",
    "google key": f"AIza{LETTERS[:35]}",
    "google access": f"ya29.{LETTERS[:60]}",
    "google client": f"GOCSPX-{LETTERS[:28]}",
    "openai": f"sk-proj-{LETTERS[:48]}",
    "openai old": f"sk-{LETTERS[:48]}",
    "anthropic": f"sk-ant-api03-{LETTERS[:90]}",
    "hugging face": f"hf_{LETTERS[:34]}",
    "npm": f"npm_{LETTERS[:36]}",
    "pypi": f"pypi-AgEIcHlwaS5vcmc{LETTERS[:80]}",
    "docker": f"dckr_pat_{LETTERS[:27]}",
    "sendgrid": f"SG.{LETTERS[:22]}.{LETTERS[:43]}",
    "twilio": f"SK{HEX[:32]}",
    "mailgun": f"key-{HEX[:32]}",
    "digitalocean": f"dop_v1_{HEX[:64]}",
    "vault": f"hvs.{LETTERS[:90]}",
    "terraform": f"{LETTERS[:14]}.atlasv1.{LETTERS[:67]}",
    "grafana": f"glsa_{LETTERS[:32]}_{HEX[:8]}",
    "new relic": f"NRAK-{LETTERS[:27].upper()}",
    "dynatrace": f"dt0c01.{LETTERS[:24].upper()}.{LETTERS[:64].upper()}",
    "sentry": f"sntrys_{LETTERS[:80]}",
    "databricks": f"dapi{HEX[:32]}",
    "shopify": f"shpat_{HEX[:32]}",
    "atlassian": f"ATATT3{LETTERS[:100]}",
    "linear": f"lin_api_{LETTERS[:40]}",
    "postman": f"PMAK-{HEX[:24]}-{HEX[:34]}",
    "alibaba": f"LTAI{LETTERS[:20]}",
    "telegram": f"123456789:AA{LETTERS[:33]}",
    "age": f"AGE-SECRET-KEY-1{LETTERS[:58].upper()}",
    "aws": "ASIAIOSFODNN7EXAMPLE",
}
