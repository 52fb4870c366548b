"""Ages and age groups of patients, as manifests name them."""

ADULT_AGE = 18
CHILD, ADULT, UNKNOWN = "child", "adult", "unknown"
AGE_GROUPS = (CHILD, ADULT, UNKNOWN)
"""What the column `age_group` may hold; an empty cell says as much as `unknown`."""


def is_age(age: str) -> bool:
    """Tell whether a text is an age in whole years."""
    return age.isascii() and age.isdigit()


def age_group_of(age: str) -> str:
    """Give the age group of an age.

    Args:
        age: whole years as manifests have them; '' where unknown.

    Returns:
        `child` below 18 years, `adult` from there, '' for anything but a whole number.
    """
    if not is_age(age):
        return ""
    return ADULT if int(age) >= ADULT_AGE else CHILD
