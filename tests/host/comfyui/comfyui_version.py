"""Which ComfyUI the stand-in behaves like."""

__version__ = "0.8.0"
