"""Why an expression cannot be compiled, or has no result."""


class Failure(Exception):
    """`code`: as `TransformFailed` has it. `position`: in characters, where it is known."""

    def __init__(self, message: str, code: str = "", position: int | None = None) -> None:
        super().__init__(message)
        self.message, self.code, self.position = message, code, position
