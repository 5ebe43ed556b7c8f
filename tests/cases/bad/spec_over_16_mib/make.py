from pathlib import Path

with Path("runflow.yaml").open("wb") as stream:
    stream.truncate(17 * 2**20)
