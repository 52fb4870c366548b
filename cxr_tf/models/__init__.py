"""The networks in Keras, their weights, and the forms in which they run fastest.

`registry` builds a network by its name. How a network is trained belongs to `cxr_tf.training`.
"""
