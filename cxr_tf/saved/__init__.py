"""Models on disk: training runs and exported SavedModels are found, loaded, built and written.

What a model computes belongs to `cxr_tf.method`.
"""
