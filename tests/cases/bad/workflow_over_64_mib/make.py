from pathlib import Path

with Path("poster.json").open("wb") as stream:
    stream.truncate(65 * 2**20)
