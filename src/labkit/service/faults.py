"""Answers to requests that cannot be served: what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from helpers.coronal_spectra import PIXELS
from labkit.service.limits import BATCH, BODY_BYTES, BusyError
from labkit.service.schemas import GRID, Fault, Refusal

#: faults told of one request, and characters shown of what it says
_MOST, _SHOWN = 10, 40
_NUMBER = "Give a number; a bad pixel has any flux and a very large error."
_FORM = (
    'One spectrum is {"wavelength": [...], "flux": [...], "error": [...]}, several are '
    '{"spectra": [...]}; /docs says more.'
)
_STATUS = {
    400: ("body", "it cannot be read as JSON", "Send JSON in UTF-8, with numbers as in 1.5e-3."),
    404: ("address", "there is nothing here", "The addresses are listed at /docs."),
    405: ("method", "this address does not take it", "The header Allow says which it takes."),
    413: (
        "body",
        f"it has more than {BODY_BYTES} bytes",
        f"Send at most {BATCH} spectra in a request, and no more digits than are known.",
    ),
}


async def invalid(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request whose body is not of the right form (422)."""
    assert isinstance(error, RequestValidationError)
    return _refused(422, [_fault(each) for each in error.errors()[:_MOST]])


async def refused(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request for another address or method, or with a body that is too large."""
    assert isinstance(error, HTTPException)
    where, problem, advice = _STATUS.get(
        error.status_code, ("request", error.detail, "See /docs for what can be asked.")
    )
    fault = Fault(where=where, problem=problem, advice=advice)
    return _refused(error.status_code, [fault], error.headers)


class BodyLimit:
    """Refuse bodies that are too large, before they are read where the header tells (413).

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > BODY_BYTES:
                raise HTTPException(413)
            return message

        told = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if told.isdecimal() and int(told) > BODY_BYTES:
            await (await refused(Request(scope), HTTPException(413)))(scope, receive, send)
        else:
            await self.app(scope, limited, send)


async def busy(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request for which there is no room now (503)."""
    assert isinstance(error, BusyError)
    fault = Fault(
        where="service",
        problem=f"{error.spectra} spectra are in work, and there is no room for so many more",
        advice=f"Send the request again in {error.seconds} s, or fewer spectra.",
    )
    return _refused(503, [fault], {"Retry-After": str(error.seconds)})


async def failed(_request: Request, _error: Exception) -> JSONResponse:
    """Answer a request that the service failed on (500); the log has the error."""
    advice = "Report it with the request; the service's log says where it failed."
    return _refused(500, [Fault(where="service", problem="it failed", advice=advice)])


def _refused(
    status: int, faults: Sequence[Fault], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return JSONResponse(Refusal(errors=list(faults)).model_dump(), status, headers)


def _fault(error: Mapping[str, Any]) -> Fault:
    """Say an error of pydantic's in the service's words."""
    place = list(error["loc"][1:]) or ["body"]
    if error["type"] == "json_invalid":
        place = [f"body, character {place[0]}"]
    where = "".join(f"[{n}]" if isinstance(n, int) else f".{_shown(n)}" for n in place)
    problem, advice = _words(error, str(place[-1]), "error" in place)
    return Fault(where=where.lstrip("."), problem=problem, advice=advice)


def _words(error: Mapping[str, Any], name: str, name_is_error: bool) -> tuple[str, str]:
    """Return problem and advice."""
    given, more = _shown(error.get("input")), error.get("ctx", {})
    match error["type"]:
        case "spectrum":
            return more["problem"], more["advice"]
        case "json_invalid":
            return f"it is not JSON ({more['error']})", "Send JSON, with numbers as in 1.5e-3."
        case "missing":
            return "it is missing", _FORM
        case "extra_forbidden":
            return "there is no such field", "Leave it out, or correct its name."
        case "too_short" | "too_long" if name == "spectra":
            return f"it must hold 1 to {BATCH} spectra", "Send more of them in further requests."
        case "too_short" | "too_long":
            return f"it must hold {PIXELS.size} numbers", f"Interpolate the spectrum to {GRID}."
        case "float_type":
            return f"{given} is not a number", _NUMBER
        case "finite_number":
            return f"{given} is not finite", _NUMBER
        case "greater_than_equal" if name_is_error:
            return (
                f"{given} is below {more['ge']:g}",
                "Errors are above 0; a bad pixel has a very large one.",
            )
        case "greater_than_equal":
            return (
                f"{given} is below {more['ge']:g}",
                "Give wavelengths in Å, the flux in a unit that suits it.",
            )
        case "less_than_equal":
            return f"{given} is above {more['le']:g}", "Give the flux in a unit that suits it."
        case "list_type":
            return f"{given} is not a list", _FORM
        case _ if isinstance(error.get("input"), bytes):
            return "it was not sent as JSON", "Add the header Content-Type: application/json."
        case _:
            return "it has not the right form", _FORM


def _shown(value: object) -> str:
    """Return the beginning of a value, in characters that any client can read."""
    text = str(value).encode("ascii", "backslashreplace").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
