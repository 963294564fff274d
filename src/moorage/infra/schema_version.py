"""The schema that this version of the code wants, told without the tool that migrates.

A web process or a worker asks for it at each start, and importing that tool takes longer than the rest of its start.
"""

from importlib.resources import files


def newest_revision() -> str:
    """Return the revision that `migrate` would reach. Reads a folder: call it while starting, not on the loop."""
    names = (entry.name for entry in (files("moorage") / "migrations" / "versions").iterdir())
    return max(name.partition("_")[0] for name in names if name.endswith(".py") and name[0].isdecimal())
