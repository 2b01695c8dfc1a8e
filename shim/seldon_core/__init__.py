"""The names of Seldon Core's Python package that users' classes import, provided by sluicegate.

Written anew, with the same names and arguments. What a class imports from here runs in sluicegate's model server.
"""

__version__ = "1.17.1+sluicegate"
"""The release whose names these are."""
