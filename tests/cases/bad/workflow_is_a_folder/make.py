from pathlib import Path

Path("poster.json").mkdir()
