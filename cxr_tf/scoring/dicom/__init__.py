"""Results as DICOM objects of the film's own study (the extra `dicom`): `score --dicom-out`."""
