"""One film on its way through a model: named, read, answered, shown, written as a row.

Loops over the films of a command belong to `scoring`, `evaluation` and `analysis`.
"""
