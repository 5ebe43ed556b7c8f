from pathlib import Path

Path("../poster.json").write_text("{}")
