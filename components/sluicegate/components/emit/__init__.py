"""Here a step gets its faces: KFP component, Argo template, subcommand; and several steps become one task."""
