"""Pictures as PNG files: figures of measurements, and overlays on films.

What is drawn is given as arrays and numbers; nothing here asks a model.
"""
