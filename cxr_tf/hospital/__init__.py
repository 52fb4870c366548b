"""The DICOM node behind `python -m cxr_tf.node`: a queue on disk and its two ends.

What a film is, how it is scored and what is written of it belongs to the rooms below; here films
come in, wait their turn, and go out, and nothing of them is lost or done twice.
"""
