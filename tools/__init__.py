"""Programs for developers: they build what the wheel ships and are not part of it."""
