"""Training: one loop for both tasks, what it minimises, and what a person sees of it.

Data come from `pipelines`, networks from `cxr_tf.models`.
"""
