"""Small films in many formats, good and bad, made in memory for the tests of the readers."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CR_IMAGE = "1.2.840.10008.5.1.4.1.1.1"


def ramp(height=40, width=56, top=255, dtype=np.uint8):
    """A smooth picture without symmetry: every orientation of it differs."""
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return np.rint((0.6 * rows**2 + 0.4 * columns) * top).astype(dtype)


def encode(pixels, form, mode=None, **options):
    """Encode an array, or a PIL image, as the content of a file."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = BytesIO()
    (image.convert(mode) if mode else image).save(file, form, **options)
    return file.getvalue()


def chunk(name, data=b""):
    """One PNG chunk."""
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def insert_chunk(png, name, data):
    """Insert a chunk behind IHDR, which ends at byte 33."""
    return png[:33] + chunk(name, data) + png[33:]


def tiff_orientation(value, order="<", kind=3):
    """An EXIF block that holds an orientation behind another entry."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    field = struct.pack(
        order + ("HH" if kind == 3 else "I"), *([value, 0] if kind == 3 else [value])
    )
    entries = struct.pack(order + "HHIHH", 0x0100, 3, 1, 77, 0)
    entries += struct.pack(order + "HHI", 0x0112, kind, 1) + field
    return mark + struct.pack(order + "IH", 8, 2) + entries + bytes(4)


def with_exif(jpeg, tiff):
    """Insert an APP1 segment behind the SOI of a JPEG."""
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def dicom_dataset(pixels, photometric="MONOCHROME2", stored_bits=None, **attributes):
    """A DICOM object around uint8, uint16 or int16 [H, W] (or frames, or colour)."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = CR_IMAGE
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["sample"])
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CR_IMAGE
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.PatientName = "Secret^Name"
    dataset.PatientID = "SECRET-ID"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = photometric
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored = stored_bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in attributes.items():
        setattr(dataset, name, value)
    data = pixels.tobytes()
    dataset.PixelData = data + bytes(len(data) % 2)
    dataset["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    return dataset


def dicom_bytes(dataset):
    """The content of a DICOM file."""
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
