import subprocess
import sys

import pytest
from pydicom._uid_dict import UID_dictionary
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from pipelines.dicom.syntaxes import DECODED, PLAIN
from pipelines.formats import FORMATS


@pytest.mark.parametrize("uid", DECODED)
def test_each_has_the_standard_s_name_and_a_decoder(uid):
    name = UID_dictionary[uid][0].replace(" Image Compression", "")
    assert name.startswith(DECODED[uid].name)
    if DECODED[uid].family != PLAIN:
        assert get_decoder(UID(uid)).is_available


def test_formats_are_known_without_any_library():
    code = (
        "import sys, pipelines.formats as f; assert len(f.FORMATS) == 21; "
        "sys.exit(bool({'pydicom', 'numpy', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    assert {each.uid for each in FORMATS} == {*DECODED, ""}
