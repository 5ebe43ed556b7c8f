from pathlib import Path

Path("runflow.yaml").mkdir()
