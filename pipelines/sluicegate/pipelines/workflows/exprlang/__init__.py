"""The expression language of Argo's ``{{=…}}`` tags: expr-lang, its built-in functions, and Sprig's.

Pure: text and values in, a value out. No Python library of it is kept up, so the part that Argo's documentation and
examples use is written here; a function that is missing is an error that names it, never a guess.
"""
