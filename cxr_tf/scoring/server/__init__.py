"""Ask a model that TensorFlow Serving serves elsewhere, as if it were loaded here."""
