"""Definitions of what is measured: metrics, intervals, biomarkers, statistical tests.

They are plain NumPy and SciPy. Nothing here reads a file, draws a picture or imports TensorFlow.
"""
