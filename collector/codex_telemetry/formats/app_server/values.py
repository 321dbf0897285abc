"""Small values on the wire brought to one form, whichever release wrote them."""

import re
from functools import lru_cache
from typing import Any

from codex_telemetry.core.identity import is_safe_id
from codex_telemetry.formats.app_server.state import Settings
from codex_telemetry.formats.app_server.wire import Wanted

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_AGENT = re.compile(r"[^/\s]+/(\d+\.\d+\.\d+(?:[-+.][A-Za-z0-9.]+)?)")
_POLICIES = {"unless-trusted": "untrusted"}
_LONGEST_PATH = 4096


@lru_cache(maxsize=256)
def snake(text: str) -> str:
    return _HUMP.sub("_", text).replace("-", "_").lower()


@lru_cache(maxsize=256)
def kebab(text: str) -> str:
    return _HUMP.sub("-", text).replace("_", "-").lower()


def name(value: Any) -> str | None:
    """A name that may be kept: short, without spaces or controls; else None."""
    return value if isinstance(value, str) and _is_name(value) else None


_is_name = lru_cache(maxsize=1024)(is_safe_id)
"""Most names are said again and again."""


def tag(value: Any) -> str | None:
    """The variant of an enum: a string, `{"type": …}`, or the one key of an object."""
    if isinstance(value, dict):
        inner = value.get("type")
        if inner is None and len(value) == 1:
            inner = next(iter(value))
        value = inner
    return name(value)


def error_kind(info: Any) -> str | None:
    """`codexErrorInfo` is a string or an object of one key (0.63 to 0.169): the kind alone."""
    word = tag(info)
    return snake(word) if word is not None else None


def policy(value: Any) -> str | None:
    """An approval policy in the form of config.toml: `on-request`, `never`, `untrusted`."""
    word = tag(value)
    return None if word is None else _POLICIES.get(kebab(word), kebab(word))


def wanted(told: Wanted) -> Settings:
    """What a request or a notice says that turns are to run with."""
    settings = Settings(
        model=name(told.model),
        effort=name(told.effort),
        service_tier=name(told.serviceTier),
        summary_mode=name(told.summary),
        approval_policy=policy(told.approvalPolicy),
        cwd=path(told.cwd),
    )
    sandboxed(settings, told.sandboxPolicy)
    return settings


def sandboxed(settings: Settings, value: Any) -> None:
    """Put what a sandbox policy says into settings: `{"type": "workspaceWrite", …}` or a name."""
    word = tag(value)
    settings.sandbox = None if word is None else kebab(word)
    if not isinstance(value, dict):
        return
    roots = value.get("writableRoots", value.get("writable_roots"))
    settings.sandbox_network = _flag(value, "networkAccess", "network_access")
    settings.sandbox_writable_roots = len(roots) if isinstance(roots, list) else None
    settings.exclude_tmpdir = _flag(value, "excludeTmpdirEnvVar", "exclude_tmpdir_env_var")
    settings.exclude_slash_tmp = _flag(value, "excludeSlashTmp", "exclude_slash_tmp")


def path(value: Any) -> str | None:
    """A folder, kept as it is written."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_PATH:
        return None
    return value if value.encode("utf-8", "replace").decode() == value else None


def version(user_agent: str | None) -> str | None:
    """Codex's version out of its user agent: `codex_cli_rs/0.63.0 (Debian …) …`."""
    match = _AGENT.match(user_agent or "")
    return match[1] if match else None


def _flag(value: dict[str, Any], *names: str) -> bool | None:
    found = next((value[n] for n in names if n in value), None)
    return found if isinstance(found, bool) else None
