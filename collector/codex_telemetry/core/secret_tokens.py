"""Secrets that are known by how they begin: keys and tokens of those who hand them out. Each pattern
stands beside text that it must match and text that it must leave.

The examples are made up; they are put together here so that no scanner takes this file for a leak.
No repetition is without an end where it could be tried from many places: the text may be anyone's.
"""

import re
from typing import NamedTuple


class Pattern(NamedTuple):
    name: str
    regex: re.Pattern[str]
    """A group `secret` is what is replaced, else the whole match is."""
    hints: tuple[str, ...]
    """In lower case: without one of these in a text there is no need to look; () for always."""
    matches: tuple[str, ...]
    spares: tuple[str, ...]


# After anything but a letter or digit; an escape such as \n in a string literal counts as such.
_B = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
HEX = "0a1b2c3d4e5f6071"
ANY = "aB3dE5gH7jK9mN1pQ2sT4vW6xY8z"


def pattern(
    name: str, regex: str, hints: str, matches: tuple[str, ...], spares: tuple[str, ...]
) -> Pattern:
    return Pattern(name, re.compile(regex), tuple(hints.split()), matches, spares)


def _token(name: str, regex: str, hints: str, example: str, *spares: str) -> Pattern:
    """One that is known by how it begins."""
    around = (example, f'x = "{example}"', f"a\\n{example}\\n", f"KEY={example};")
    return pattern(name, _B + regex, hints, around, spares)


TOKENS: tuple[Pattern, ...] = (
    _token(
        "private key", r"AGE-SECRET-KEY-1[0-9A-Z]{50,60}", "age-", f"AGE-SECRET-KEY-1{'Q7' * 29}"
    ),
    _token("anthropic key", r"sk-ant-[A-Za-z0-9_-]{20,300}", "sk-ant", f"sk-ant-api03-{ANY * 3}"),
    _token("openrouter key", r"sk-or-[A-Za-z0-9_-]{20,300}", "sk-or", f"sk-or-v1-{HEX * 4}"),
    _token(
        "openai key",
        r"sk-(?=[A-Za-z0-9_-]{0,60}\d)[A-Za-z0-9_-]{20,300}",
        "sk-",
        f"sk-proj-{ANY}_{ANY}",
        "pip install sk-learn",
        "task-0123456789-0123456789-0123456789",
        ".sk-fading-circle-of-many-dots",
    ),
    _token("github token", r"gh[pousr]_[A-Za-z0-9]{20,255}", "gh", f"ghp_{ANY}{ANY}", "ghp_short"),
    _token("github token", r"github_pat_[A-Za-z0-9_]{22,255}", "github_pat", f"github_pat_{ANY}"),
    _token(
        "gitlab token",
        r"gl(?:pat|rt|dt|oas|ptt|ft|imt|agent|cbt|ffct|soat)-[A-Za-z0-9_.-]{20,300}",
        "gl",
        f"glpat-{ANY}",
        "glft-x",
    ),
    _token(
        "aws key id",
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",
        "akia asia abia acca",
        f"AKIA{'Q7R2' * 4}",
        f"AKIA{'Q7R2' * 9}",
        "ASIAN",
    ),
    pattern(
        "aws secret",
        r"(?i)aws.{0,30}?(?:secret|key).{0,20}?[\"'=:\s]{1,6}"
        r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        "aws",
        (f"aws_secret_access_key = {ANY}/{ANY[:11]}",),
        ("aws configure set region eu-central-1", f"aws s3 cp {HEX * 3} key"),
    ),
    _token("google key", r"AIza[0-9A-Za-z_-]{35}", "aiza", f"AIza{ANY}{ANY[:7]}"),
    _token("google secret", r"GOCSPX-[A-Za-z0-9_-]{20,40}", "gocspx", f"GOCSPX-{ANY}"),
    _token("google token", r"ya29\.[A-Za-z0-9_-]{20,500}", "ya29", f"ya29.{ANY}"),
    _token(
        "slack token", r"xox[abeoprs](?:\.xox[a-z])?-[A-Za-z0-9-]{10,300}", "xox", f"xoxb-{ANY}"
    ),
    _token("slack token", r"xapp-\d-[A-Za-z0-9-]{10,300}", "xapp", f"xapp-1-{ANY}"),
    pattern(
        "webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/_-]{20,200})"
        r"|discord(?:app)?\.com/api/webhooks/\d{5,30}/[A-Za-z0-9_-]{30,200}",
        "hooks",
        (
            f"https://hooks.slack.com/services/T0/B0/{ANY}",
            f"discord.com/api/webhooks/123456/{ANY * 2}",
        ),
        ("https://hooks.slack.com/docs", "https://discord.com/api/webhooks/123456"),
    ),
    _token(
        "discord token",
        r"[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",
        ".",
        f"M{ANY[:24]}.{ANY[:6]}.{ANY}",
        "Module.submodule.function",
    ),
    _token("stripe key", r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,250}", "k_", f"sk_live_{ANY}"),
    _token("stripe secret", r"whsec_[A-Za-z0-9+/=]{24,100}", "whsec_", f"whsec_{ANY}"),
    _token("twilio key", r"SK[0-9a-f]{32}(?![0-9a-f])", "sk", f"SK{HEX * 2}", f"SK{HEX}"),
    _token(
        "sendgrid key",
        r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}",
        "sg.",
        f"SG.{ANY}.{ANY}",
    ),
    _token("mailgun key", r"key-[0-9a-f]{32}(?![0-9a-f])", "key-", f"key-{HEX * 2}", "key-0a1b"),
    _token("mailchimp key", r"[0-9a-f]{32}-us\d{1,2}", "-us", f"{HEX * 2}-us12", f"{HEX * 2}-user"),
    _token(
        "npm token", r"npm_[A-Za-z0-9]{30,60}", "npm_", f"npm_{ANY}{ANY[:8]}", "npm_config_cache"
    ),
    _token("pypi token", r"pypi-[A-Za-z0-9_-]{50,300}", "pypi-", f"pypi-{ANY * 3}", "pypi-server"),
    _token("rubygems key", r"rubygems_[0-9a-f]{48}", "rubygems_", f"rubygems_{HEX * 3}"),
    _token("docker token", r"dckr_[a-z]{3}_[A-Za-z0-9_-]{20,100}", "dckr_", f"dckr_pat_{ANY}"),
    _token(
        "hugging face token", r"hf_[A-Za-z0-9]{28,60}", "hf_", f"hf_{ANY}{ANY[:6]}", "hf_hub_url"
    ),
    _token("groq key", r"gsk_[A-Za-z0-9]{40,100}", "gsk_", f"gsk_{ANY * 2}"),
    _token("xai key", r"xai-[A-Za-z0-9]{40,120}", "xai-", f"xai-{ANY * 3}"),
    _token("perplexity key", r"pplx-[A-Za-z0-9]{40,100}", "pplx-", f"pplx-{ANY * 2}"),
    _token("replicate token", r"r8_[A-Za-z0-9]{30,60}", "r8_", f"r8_{ANY}{ANY[:9]}"),
    _token("digitalocean token", r"do[oprt]_v1_[0-9a-f]{64}", "_v1_", f"dop_v1_{HEX * 4}"),
    _token("linear key", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,100}", "lin_", f"lin_api_{ANY * 2}"),
    _token(
        "notion token",
        r"(?:secret|ntn)_[A-Za-z0-9]{40,60}",
        "secret_ ntn_",
        f"ntn_{ANY}{ANY[:18]}",
    ),
    _token("shopify token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "shp", f"shpat_{HEX * 2}"),
    _token("vault token", r"hv[sbr]\.[A-Za-z0-9_-]{20,300}", "hv", f"hvs.{ANY}", "hvs.x"),
    _token("databricks token", r"dapi[0-9a-f]{32}", "dapi", f"dapi{HEX * 2}", "dapi_url"),
    _token("atlassian token", r"ATATT3[A-Za-z0-9_=-]{40,300}", "atatt3", f"ATATT3{ANY * 2}"),
    _token("figma token", r"fig[dou]_[A-Za-z0-9_-]{30,60}", "fig", f"figd_{ANY}{ANY[:12]}"),
    _token(
        "telegram token", r"\d{8,10}:AA[A-Za-z0-9_-]{32,35}", ":aa", f"123456789:AA{ANY}{ANY[:5]}"
    ),
    _token("grafana token", r"gl(?:c|sa)_[A-Za-z0-9+/=_]{32,400}", "gl", f"glsa_{ANY * 2}"),
    _token("new relic key", r"NRAK-[A-Z0-9]{27}", "nrak-", f"NRAK-{'Q7R' * 9}"),
    _token("sentry token", r"sntry[su]_[A-Za-z0-9+/=_]{40,400}", "sntry", f"sntryu_{HEX * 4}"),
    _token(
        "doppler token", r"dp\.[a-z]{2,5}\.[A-Za-z0-9.]{40,60}", "dp.", f"dp.pt.{ANY}{ANY[:14]}"
    ),
    _token(
        "tailscale key", r"tskey-[a-z]{2,12}-[A-Za-z0-9-]{16,100}", "tskey-", f"tskey-auth-{ANY}"
    ),
    _token(
        "planetscale token",
        r"pscale_[a-z]{2,6}_[A-Za-z0-9_.-]{30,80}",
        "pscale_",
        f"pscale_tkn_{ANY * 2}",
    ),
    _token(
        "supabase key",
        r"sb(?:p_[0-9a-f]{40}|_secret_[A-Za-z0-9_-]{20,60})",
        "sb",
        f"sb_secret_{ANY}",
    ),
    _token(
        "azure secret",
        r"[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.-]{31,34}",
        "8q~",
        f"abc8Q~{ANY}{ANY[:5]}",
    ),
)
