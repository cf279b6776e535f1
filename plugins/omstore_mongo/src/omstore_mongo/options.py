"""What the configuration may say about a storage in MongoDB."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

Name = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_\-]+$")]


class MongoOptions(BaseModel):
    """Where the server is, and how long to wait for it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr
    """`mongodb://` or `mongodb+srv://`, with all that pymongo understands in it: user, replica set, TLS files."""

    database: Name | None = None
    """The database; by default the one in the address, or `omcore` where it names none."""

    space: Name | None = None
    """What keeps the records of this context apart from those of others in the same database; by default its name."""

    timeout: float = Field(default=30.0, gt=0)
    """The seconds until a call that the server has not answered is given up."""
