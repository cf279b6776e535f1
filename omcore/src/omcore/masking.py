"""Hides secrets in what is printed: passwords in addresses, and values whose name says that they are secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"
"""What stands where a secret was."""

_SECRET_WORDS = frozenset(
    {
        *("auth", "authorization", "credential", "credentials", "dsn", "key", "keys", "pass", "passphrase", "passwd"),
        *("password", "passwords", "pin", "private", "pw", "pwd", "secret", "secrets", "signature", "token", "tokens"),
        *("apikey", "accesskey", "secretkey", "privatekey", "signingkey", "authtoken"),
    }
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*://)(?:(?P<user>[^\s:/@]*):)?(?P<secret>[^\s]*)@")
_PAIR = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_.\-]*)(?P<equals>\s*[=:]\s*)(?P<value>[^\s&;,'\"/][^\s&;,]*)")


def is_secret_name(name: str) -> bool:
    """Say whether the value of this option or header must not be shown, judged by the words of its name."""
    return any(word.lower() in _SECRET_WORDS for word in _WORDS.findall(name))


def mask_text(text: str) -> str:
    """Hide the user part of every address, and the value of every `name=value` whose name is a secret's.

    `mongodb://user:pass@host/db` becomes `mongodb://user:***@host/db`. Where an address has more than one `@`, the
    last one ends the secret: rather hide too much than too little.
    """
    return _PAIR.sub(_mask_pair, _USERINFO.sub(_mask_userinfo, text))


def _mask_userinfo(found: re.Match[str]) -> str:
    user = "" if found["user"] is None else f"{found['user']}:"
    return f"{found['scheme']}{user}{MASK}@"


def _mask_pair(found: re.Match[str]) -> str:
    return f"{found['name']}{found['equals']}{MASK}" if is_secret_name(found["name"]) else found[0]


def mask_tree(value: Any, name: str = "") -> Any:
    """A copy of JSON-like data with every secret hidden; what stands under a secret name is hidden whole."""
    if is_secret_name(name) and value is not None:
        return MASK
    if isinstance(value, Mapping):
        return {key: mask_tree(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask_tree(item) for item in value]
    return mask_text(value) if isinstance(value, str) else value
