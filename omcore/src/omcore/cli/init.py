"""`om init`: a file to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omcore.cli.common import FilePath, session, show_json
from omcore.errors import ConfigurationError
from omcore.sentences import reason

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = """\
# The contexts of this project: environments with a storage, a runtime and rules of their own.
#
#   om contexts        lists them
#   om config          shows what is in force, and where each value came from
#   om doctor          opens everything a context names
#
# A lower layer is overridden by OMCORE__STORAGE__URL=... and the like in the environment, and that by om.setup(...).

default_context = "dev"

# Nothing to say: the embedded storage and the local runtime, with all data in the folder .omcore beside this file.
[contexts.dev]

# What is promoted to production must have been trained.
[contexts.prod.promotion]
models = ["trained"]

# Another storage and runtime, each from a plugin (pip install omstore-mongo omrt-celery). A secret is never written
# here: name the environment variable or the file that holds it.
#
# [contexts.cluster]
# extends = "prod"
# storage = { backend = "mongo", url = { env = "MONGO_URL" } }
# runtime = { backend = "celery", broker = { env = "BROKER_URL" } }
# signing_key = { file = "~/.config/omcore/signing.key" }      # openssl rand -hex 32
#
# [contexts.cluster.labels]                                    # what a label means to the runtime
# gpu = { queue = "gpu-a100" }
#
# [contexts.cluster.trust]
# types = ["mypackage.MyEstimator"]                            # loaded although no built-in list names them
# keys = [{ env = "COLLEAGUES_KEY" }]                          # signatures that are accepted besides our own
#
# [contexts.cluster.plugins]
# allow = ["omstore-mongo", "omrt-celery"]                     # no other package is imported
#
# [contexts.cluster.tasks]
# wait = true                                                  # queue a task although no worker offers its labels
# timeout = 3600                                               # seconds a task may run
"""


@click.command(short_help="Write a commented omcore.toml.")
@click.argument("folder", type=FilePath(), default=".")
def init(folder: Path) -> None:
    """Write a commented omcore.toml into FOLDER (default: here); a file that is there stays as it is."""
    path = folder.absolute() / "omcore.toml"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError as error:
        raise ConfigurationError(f"{path} exists already and was left as it is; edit it, or remove it first") from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be written: {reason(error)}") from error
    if session().json:
        show_json({"file": str(path)})
    else:
        click.echo(f"wrote {path}; see what is in force with 'om config'")
