"""The method of the paper as a TensorFlow graph, from the pixels of a film to the answer.

The networks come from `cxr_tf.models`; models on disk belong to `cxr_tf.saved`.
"""
