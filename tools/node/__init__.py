"""Runs a DICOM node as a hospital would: in a process of its own, under load and under kills."""
