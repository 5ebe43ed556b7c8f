"""Arithmetic on arrays whose result must be that of torch to the last bit; no nodes in here."""
