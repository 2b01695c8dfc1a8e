"""``python -m sluicegate.pipelines.cli``: the same as ``sluicegate``, whatever is on PATH."""

from sluicegate.pipelines.cli.main import main

if __name__ == "__main__":
    main()
