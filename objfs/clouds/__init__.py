"""The clouds, each as data: option rows, URL forms and pure functions.

Nothing is imported here: a program that uses one cloud does not pay for the others, which `objfs.clouds.known` lists.
"""
