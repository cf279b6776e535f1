"""`omcore.toml`, the environment and the arguments of `setup()`: what is in force. The only reader of `os.environ`."""

from omcore.config.contexts import ConfigFile
from omcore.config.files import FILE_NAME
from omcore.config.load import load_file, load_settings
from omcore.config.sections import Section
from omcore.config.settings import ContextSettings, Setting

__all__ = ["FILE_NAME", "ConfigFile", "ContextSettings", "Section", "Setting", "load_file", "load_settings"]
