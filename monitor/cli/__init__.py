"""The command line: one file a noun, each a few lines over the modules below. Shell.

`app` registers them. A command imports what it needs when it runs, so that `monitor --help` stays quick.
"""
