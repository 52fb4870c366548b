"""Runs a signature through TensorFlow's C API, the loader behind TensorFlow Serving, by ctypes.

Run as a program, in a process that never imports Python's TensorFlow: reads a request as JSON from
stdin (library, model, inputs and outputs as names of the graph, films as files), writes npz.
"""

import ctypes
import json
import sys

import numpy as np

TYPES = {1: np.float32, 3: np.int32, 4: np.uint8}
STRING, STRING_BYTES = 7, 24


class Output(ctypes.Structure):
    """TF_Output."""

    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class Library:
    """The functions of the C API that are used here."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
        for name in (
            "TF_NewStatus", "TF_NewSessionOptions", "TF_NewGraph", "TF_LoadSessionFromSavedModel",
            "TF_GraphOperationByName", "TF_AllocateTensor", "TF_TensorData",
            "TF_StringGetDataPointer",
        ):  # fmt: skip
            getattr(self.c, name).restype = ctypes.c_void_p
        self.c.TF_Message.restype = ctypes.c_char_p
        self.c.TF_Dim.restype = ctypes.c_int64
        self.c.TF_StringGetSize.restype = ctypes.c_size_t
        self.status = ctypes.c_void_p(self.c.TF_NewStatus())

    def check(self):
        if self.c.TF_GetCode(self.status):
            raise SystemExit(self.c.TF_Message(self.status).decode())

    def load(self, folder):
        self.graph = ctypes.c_void_p(self.c.TF_NewGraph())
        options = ctypes.c_void_p(self.c.TF_NewSessionOptions())
        tags = (ctypes.c_char_p * 1)(b"serve")
        session = self.c.TF_LoadSessionFromSavedModel(
            options, None, folder.encode(), tags, 1, self.graph, None, self.status
        )
        self.check()
        return ctypes.c_void_p(session)

    def place(self, name):
        operation, index = name.split(":")
        found = self.c.TF_GraphOperationByName(self.graph, operation.encode())
        assert found, name
        return Output(found, int(index))

    def strings(self, values):
        shape = (ctypes.c_int64 * 1)(len(values))
        size = ctypes.c_size_t(STRING_BYTES * len(values))
        tensor = ctypes.c_void_p(self.c.TF_AllocateTensor(STRING, shape, 1, size))
        begin = self.c.TF_TensorData(tensor)
        for index, value in enumerate(values):
            place = ctypes.c_void_p(begin + STRING_BYTES * index)
            self.c.TF_StringInit(place)
            self.c.TF_StringCopy(place, value, ctypes.c_size_t(len(value)))
        return tensor

    def array(self, tensor):
        kind = self.c.TF_TensorType(tensor)
        shape = [self.c.TF_Dim(tensor, i) for i in range(self.c.TF_NumDims(tensor))]
        begin, count = self.c.TF_TensorData(tensor), int(np.prod(shape))
        if kind == STRING:
            places = [ctypes.c_void_p(begin + STRING_BYTES * index) for index in range(count)]
            return np.array(
                [
                    ctypes.string_at(
                        self.c.TF_StringGetDataPointer(x), self.c.TF_StringGetSize(x)
                    ).decode()
                    for x in places
                ]
            ).reshape(shape)
        size = count * np.dtype(TYPES[kind]).itemsize
        return np.frombuffer(ctypes.string_at(begin, size), TYPES[kind]).reshape(shape)

    def run(self, session, feed, tensor, fetches):
        feeds, values = (Output * 1)(self.place(feed)), (ctypes.c_void_p * 1)(tensor)
        places = (Output * len(fetches))(*map(self.place, fetches))
        results = (ctypes.c_void_p * len(fetches))()
        self.c.TF_SessionRun(
            session, None, feeds, values, 1, places, results, len(fetches), None, 0, None,
            self.status,
        )  # fmt: skip
        self.check()
        return [self.array(ctypes.c_void_p(result)) for result in results]


def main():
    """Answer the request on stdin."""
    request = json.load(sys.stdin)
    library = Library(request["library"])
    session = library.load(request["model"])
    films = []
    for path in request["films"]:
        with open(path, "rb") as file:
            films.append(file.read())
    found = {}
    for name, (feed, outputs) in request["signatures"].items():
        values = library.run(session, feed, library.strings(films), list(outputs.values()))
        found |= {f"{name}/{key}": value for key, value in zip(outputs, values, strict=True)}
    assert "tensorflow" not in sys.modules
    np.savez(request["out"], **found)


if __name__ == "__main__":
    main()
