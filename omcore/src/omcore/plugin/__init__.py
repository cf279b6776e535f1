"""How plugins are asked, told and found."""

from omcore.plugin.hookspecs import hookimpl
from omcore.plugin.host import PluginHost
from omcore.plugin.installed import DriverInfo, Listing

__all__ = ["DriverInfo", "Listing", "PluginHost", "hookimpl"]
