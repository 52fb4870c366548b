"""DICOM objects: what their headers say, and their pixels, decoded in a process of their own."""
