"""What `python -m cxr_tf.evaluate` is made of: options, subject, films, results, summary."""
