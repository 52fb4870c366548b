"""What `python -m cxr_tf.score` is made of: options, the loop over films, resuming, the record.

Each kind of engine and of output has a room of its own: `ray`, `server`, `report`, `dicom`.
"""
