"""Readers of published file formats, one module for each format."""
