"""Sizes of films and patches, and how many patches there may be; needs no TensorFlow."""

#: A film with more pixels is `too_large`: it would not fit the memory of a small server.
MAX_PIXELS = 64_000_000
#: Seconds that the decoding of one DICOM object may take.
READ_DEADLINE = 60.0
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
#: Most windows of the dense vote along each side of a film.
WINDOWS_ALONG = 32
#: Most windows of a film.
MOST_WINDOWS = WINDOWS_ALONG**2
