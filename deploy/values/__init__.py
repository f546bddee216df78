"""Strict reading of values, for ``deploy.env``: in goes a text, out comes what it stands for.

``numbers`` reads numbers, ``places`` hosts, URLs, addresses and folders, ``backends`` the paths of
mail backends. Each raises ValueError with words that never quote a password.
"""
