"""The commands, one a file: what each takes, and what it does.

Each file has WHAT (a line of help), `options` and `run`. The rooms are imported by the commands
that need them, so that --help is quick and a missing extra troubles only who asked for it.
"""
