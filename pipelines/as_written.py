"""Functions of data sets as they are written, without AutoGraph."""

import tensorflow as tf

#: Keeps AutoGraph from a function that a data set maps. Ours branch and loop by operations, and
#: converting their source took half the time of an export. `tf.function` has `autograph=False`.
as_written = tf.autograph.experimental.do_not_convert
