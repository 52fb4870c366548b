"""What became of one film: `ok`, or the reason why it has no answer."""

OK = "ok"
NO_LUNG = "no_lung"
UNREADABLE = "unreadable"
UNSUPPORTED = "unsupported"
TOO_LARGE = "too_large"
CONSTANT = "constant"
NOT_CHEST_FILM = "not_chest_film"

STATUSES = (OK, NO_LUNG, UNREADABLE, UNSUPPORTED, TOO_LARGE, CONSTANT, NOT_CHEST_FILM)

#: Statuses that mean an input failed. `no_lung` and `not_chest_film` are answers.
FAILURES = frozenset({UNREADABLE, UNSUPPORTED, TOO_LARGE, CONSTANT})
