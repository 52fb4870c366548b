"""Sizes of films and patches, and how many patches there may be; needs no TensorFlow."""

#: Side in pixels of the film that is segmented.
SEGMENTATION_SIZE = 256
#: Side in pixels of the film that patches are cut from.
CLASSIFICATION_SIZE = 1024
PATCH_SIZE = 224
#: K of the paper.
PATCHES = 100
#: Most patches one request may ask for.
MOST_PATCHES = 400
#: Finest grid, in pixels of `CLASSIFICATION_SIZE`, that has at most so many points.
LEAST_STRIDE = 50
