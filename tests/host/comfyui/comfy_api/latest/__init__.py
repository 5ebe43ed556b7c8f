"""Packs look whether it is there; what they use of it while they run, the engine does instead."""
