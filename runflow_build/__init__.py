"""Compile ComfyUI workflows into locked, reviewable, published API endpoints."""

__version__ = "0.1.0"
