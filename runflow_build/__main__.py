"""`python -m runflow_build` is the `runflow` command."""

from .cli.main import main

raise SystemExit(main())
