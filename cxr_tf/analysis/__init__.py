"""The study of biomarkers behind `python -m cxr_tf.analyse`: films measured and compared.

Definitions of biomarkers and of tests belong to `cxr_tf.measures`.
"""
