"""Groups: the workers of a local runtime in a process of their own, which the clients of a context share.

A group is started with `om runtime worker`, runs in the foreground, and ends when it is told to. It waits behind a Unix
domain socket in a folder that its owner alone may enter; who connects proves with a key from a private file that it is
the owner's too. What goes through the socket is JSON.

- `meeting`: the folder in which groups and clients of a context find each other
- `messages`: what they say
- `wire`: how they say it
- `group`, `session`: the side of the workers
- `client`, `handle`, `finding`: the side of the clients
"""
