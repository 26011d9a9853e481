"""What goes wrong with the Hugging Face hub, in one line: wrong names, missing and refused tokens, no network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from faithful_se.errors import UsageError


def check_upload(option: str, repo: str, token: str | None = None) -> None:
    """Check the name and the token of an upload before anything is computed.

    Args:
        option: as the user typed it, for messages.
        repo: NAME or OWNER/NAME.
        token: where one is given besides the stored one.

    Raises:
        UsageError: a name that the hub does not allow, no token, or the offline mode is on.
    """
    from huggingface_hub import constants, get_token
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise UsageError(f"{option}: no name of a repository; give NAME or OWNER/NAME") from error
    if constants.HF_HUB_OFFLINE:
        raise UsageError(f"{option}: HF_HUB_OFFLINE is set: unset it, or leave the upload out")
    if not (token or get_token()):
        raise UsageError(f"{option}: no token of the hub: hf auth login, or HF_TOKEN=… (with the right to write)")


@contextmanager
def hub_errors(option: str) -> Iterator[None]:
    """Turn what the hub refuses into a one-line `UsageError`."""
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    try:
        yield
    except LocalTokenNotFoundError as error:
        raise UsageError(f"{option}: no token of the hub: hf auth login") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        reason = " ".join((error.server_message or str(error)).split())[:200]
        if status in (401, 403):
            raise UsageError(
                f"{option}: the hub refuses the token ({status}: {reason}): hf auth login with one that may write there"
            ) from error
        raise UsageError(f"{option}: the hub answers {status or 'nothing'}: {reason}") from error
    except OSError as error:
        if isinstance(error, PermissionError | FileNotFoundError):
            raise
        raise UsageError(f"{option}: the hub cannot be reached: {' '.join(str(error).split())[:200]}") from error
