"""Secure collaboration on data and models, inside Jupyter."""

__version__ = "0.1.0"
