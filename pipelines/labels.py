"""What the values of a label map stand for: heart and lungs, left and right as the patient's."""

BACKGROUND, HEART, LEFT_LUNG, RIGHT_LUNG = range(4)
#: The names of the values, in order.
LABELS = ("background", "heart", "left_lung", "right_lung")
