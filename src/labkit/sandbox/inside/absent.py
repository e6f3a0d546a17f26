"""What stands in the sandbox in the place of a hidden package of the kit: importing it fails."""

raise ModuleNotFoundError(f"No module named {__name__!r}", name=__name__)
