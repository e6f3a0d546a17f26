"""What archives speak: SDSS in a box, downloads, catalogues, and readers of published formats.

The lowest layer of the kit: it imports the scientific stack and nothing of the kit above it.
"""
