"""From the author's prompt to what the API serves, and from a request's values to what runs."""

from .compose import rewrite

__all__ = ["rewrite"]
