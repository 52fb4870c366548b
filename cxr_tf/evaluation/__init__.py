"""What `python -m cxr_tf.evaluate` is made of: the films of a split, figures by group, results.

Definitions of the figures belong to `cxr_tf.measures`.
"""
