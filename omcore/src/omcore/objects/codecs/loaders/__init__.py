"""Every loader that could run code, and what keeps it from doing so. Nothing outside this package unpickles.

A pickle is a program. It is looked through first, by an unpickler whose every global is an inert stand-in, so that
all it would refer to is known before anything happens. It is then loaded by an unpickler that hands out a global only
if the reader allows exactly that pair of module and name.
"""

from omcore.objects.codecs.loaders.archives import dump_skops, load_skops
from omcore.objects.codecs.loaders.pickles import Pickled, dump, load
from omcore.objects.codecs.loaders.scanning import globals_of
from omcore.objects.codecs.rules import Global, guarded

__all__ = ["Global", "Pickled", "dump", "dump_skops", "globals_of", "guarded", "load", "load_skops"]
