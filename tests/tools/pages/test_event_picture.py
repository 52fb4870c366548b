import numpy as np
import tensorflow as tf

from tools.pages.event_picture import main


def test_the_newest_picture_of_a_name_comes_out(tmp_path, capsys):
    run = tmp_path / "run"
    writer = tf.summary.create_file_writer(str(run / "tensorboard"))
    with writer.as_default():
        for step, level in ((0, 40), (5, 200)):
            tf.summary.image("patches/viral", np.full((1, 6, 8, 3), level, np.uint8), step)
            tf.summary.scalar("epoch/loss", 0.5, step)
    writer.close()
    out = tmp_path / "out.png"
    assert main([str(run), "patches/viral", str(out)]) == 0
    assert (tf.io.decode_png(out.read_bytes()).numpy() == np.full((6, 8, 3), 200)).all()
    assert main([str(run), "epoch/loss", str(out)]) == 2
    assert "there are patches/viral" in capsys.readouterr().err
