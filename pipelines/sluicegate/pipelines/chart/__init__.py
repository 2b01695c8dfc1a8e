"""The Helm chart, made of the same objects as ``manifests/install`` and of one table of values.

``values`` is the table; ``templating`` writes an object as a template; ``places`` says where which value goes;
``writing`` puts the files together for ``make generate``.
"""
