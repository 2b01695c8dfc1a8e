"""The ``sluicegate`` command: every module here is one command or one group of them, loaded when it is called."""
