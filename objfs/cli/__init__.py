"""The command line, ``objfs`` or ``python -m objfs``."""
