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
_WORD = re.compile(r"\S+")
_USER = re.compile(r"[^:/@]*:")
_PAIR = re.compile(
    r"(?<![A-Za-z0-9_.\-])(?P<name>[A-Za-z0-9_.\-]+)(?P<equals>\s*[=:]\s*)"
    r"(?P<value>[^\s&;,'\"/][^\s&;,]*)"
)


def is_secret_name(name: str) -> bool:
    """Say whether the value of this option or header must not be shown, judged by the words of its name."""
    return any(word.lower() in _SECRET_WORDS for word in _WORDS.findall(name))


def mask_text(text: str) -> str:
    """Hide the user part of every address, and the value of every `name=value` whose name is a secret's."""
    return _PAIR.sub(_mask_pair, mask_addresses(text))


def mask_addresses(text: str) -> str:
    """Hide the user part of every address, and nothing else.

    `mongodb://user:pass@host/db` becomes `mongodb://user:***@host/db`. Where an address has more than one `@`, the
    last one ends the secret: rather hide too much than too little.
    """
    return _WORD.sub(_mask_word, text) if "://" in text else text


def _mask_word(found: re.Match[str]) -> str:
    """A word without the secret of the address in it; by hand, since an expression would try every start in turn."""
    scheme, slashes, rest = found[0].partition("://")
    secret, at, place = rest.rpartition("@")
    if not at:
        return found[0]
    user = _USER.match(secret)
    return f"{scheme}{slashes}{user[0] if user else ''}{MASK}@{place}"


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
