"""`doit` builds every project below examples/; `doit list` names the tasks."""

from runflow_build.tasks import DOIT_CONFIG, projects

__all__ = ["DOIT_CONFIG"]

build = projects("examples/*")
