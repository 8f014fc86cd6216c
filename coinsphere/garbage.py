"""What a process has loaded lives as long as the process; the garbage collector is told so once.

A full collection of an API's worker looks at 300,000 objects of its libraries and stops all of its threads for up to a
second on a busy machine. Frozen, they are left alone, and a full collection takes a millisecond or two
(docs.python.org/3/library/gc.html#gc.freeze).
"""

import gc


def spare_what_is_loaded() -> None:
    """To be called when a process is ready to serve, as late as that: what is loaded afterwards is looked at as before."""
    gc.collect()
    gc.freeze()
