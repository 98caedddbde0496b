"""The phase of the moon, by its mean motion: right to within half a day."""

from datetime import datetime, timezone

NEW_MOON = datetime(2000, 1, 6, 18, 14, tzinfo=timezone.utc)
MONTH = 29.530588853  # days from one new moon to the next

NAMES = (
    "new moon",
    "waxing crescent",
    "first quarter",
    "waxing gibbous",
    "full moon",
    "waning gibbous",
    "last quarter",
    "waning crescent",
)


def age(when):
    """Days since the last new moon at a time with a zone, from 0 to 29.53."""
    return (when - NEW_MOON).total_seconds() / 86400 % MONTH


def name(when):
    """One of NAMES, each of which lasts an eighth of the month."""
    return NAMES[round(age(when) / MONTH * 8) % 8]
