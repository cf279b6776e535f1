"""What the configuration may say about a storage in MongoDB."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

Name = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_\-]+$")]

SCHEMES = ("mongodb://", "mongodb+srv://")
"""What an address begins with."""

RESERVED = frozenset({"admin", "config", "local"})
"""Databases of the server itself: what is in them is not replicated, or not for users."""

LONGEST_TIMEOUT = 86_400.0
"""Seconds: nobody waits for a day."""


class MongoOptions(BaseModel):
    """Where the server is, and how long to wait for it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr
    """`mongodb://` or `mongodb+srv://`, with all that pymongo understands in it: user, replica set, TLS files."""

    database: Name | None = None
    """The database; by default the one in the address, or `omcore` where it names none."""

    space: Name | None = None
    """What keeps the records of this context apart from those of others in the same database; by default its name."""

    timeout: float = Field(default=30.0, gt=0, le=LONGEST_TIMEOUT, allow_inf_nan=False)
    """The seconds until a call that the server has not answered is given up."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: SecretStr) -> SecretStr:
        """Refuse what is no address before anything of it is looked up, and shown."""
        scheme, found, rest = url.get_secret_value().partition("://")
        if f"{scheme}{found}" not in SCHEMES:
            raise ValueError(f"the address of a MongoDB server begins with {' or '.join(SCHEMES)}")
        authority, _, path = rest.partition("?")[0].partition("/")
        if authority.count("@") > 1 or "@" in path:
            raise ValueError(
                "its user or password has an '@' or a '/' that is not escaped; write it as urllib.parse.quote_plus does"
            )
        return url

    @field_validator("database")
    @classmethod
    def _is_for_users(cls, database: str | None) -> str | None:
        if database in RESERVED:
            raise ValueError("it is a database of the server itself; name one of your own")
        return database
