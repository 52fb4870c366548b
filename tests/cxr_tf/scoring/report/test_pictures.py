from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from cxr_tf.drawing.overlays import colour_saliency
from cxr_tf.scoring.report.pictures import outlines, preview, saliency_strip


def test_outlines_run_along_the_parts_within_a_pixel():
    mask = np.zeros((256, 256), np.uint8)
    cv2.ellipse(mask, (80, 130), (40, 70), 5, 0, 360, 3, -1)
    mask[100:180, 110:150] = 1
    found = outlines(mask)
    assert found["left_lung"] == []
    for name, label in (("heart", 1), ("right_lung", 3)):
        drawn = np.zeros((1024, 1024), np.uint8)
        for curve in found[name]:
            points = np.array(curve).reshape(-1, 2) * 1024
            assert len(points) < 120
            cv2.fillPoly(drawn, [np.rint(points).astype(np.int32)], 1)
        part = cv2.resize((mask == label).astype(np.uint8), (1024, 1024), interpolation=0)
        apart = (drawn != part).astype(np.uint8)
        assert not cv2.erode(apart, np.ones((9, 9), np.uint8)).any(), name  # 1 pixel is 4 here


def test_the_strip_has_each_class_in_the_colours_of_the_overlay():
    saliency = np.zeros((3, 8, 8), np.float32)
    saliency[1] = np.linspace(0, 1, 64).reshape(8, 8)
    file = BytesIO()
    saliency_strip(saliency).save(file, "PNG")
    strip = Image.open(file)
    assert strip.size == (8, 24)
    shown = np.asarray(strip.convert("RGBA"))
    assert not shown[:8, :, 3].any() and not shown[16:, :, 3].any()
    colours, opacity = colour_saliency(np.rint(saliency[1] * 255) / np.float32(255))
    assert np.abs(shown[8:16, :, :3].astype(int) - colours).max() <= 1
    assert np.abs(shown[8:16, :, 3] / 255 - opacity / 0.65).max() < 0.003


def test_a_preview_keeps_the_proportions():
    small = preview(np.full((50, 200), 90, np.uint8))
    assert small.shape == (96, 96) and (small[36:60] == 90).all()
    assert not small[:36].any() and not small[60:].any()
    assert preview(np.full((1, 900), 9, np.uint8)).any()
