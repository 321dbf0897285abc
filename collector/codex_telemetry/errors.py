"""What we say to people when something is wrong: the place, the cause and the next step."""


class UserError(Exception):
    """One clear line for the user; never holds a value from a session."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(UserError):
    """The command was called wrongly."""

    exit_code = 2


class NotFoundError(UserError):
    """What was named isn't there, or isn't the only one of that name."""


class NewerDatabaseError(UserError):
    """The database was written by a newer version of the program."""

    exit_code = 3
