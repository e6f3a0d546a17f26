"""Queries to a SkyServer through astroquery: patient when it is busy, plain when it fails."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveys.download import ArchiveError, text_kind

if TYPE_CHECKING:
    import requests
    from requests.adapters import HTTPAdapter

QUERY_SECONDS = 60
"""How long to wait for SkyServer's next bytes; it is astroquery's own value."""
RETRY_SECONDS = 0.5
"""Wait before the second retry of a query, doubled for each further one."""


def point_astroquery(skyserver: str, sas: str, answers: Path, service: str) -> None:
    """Point `astroquery.sdss` at a SkyServer.

    Only astroquery's own settings change (addresses, time limit, where it keeps its answers), and
    its connection learns to try again when the service is busy and to refuse an error page instead
    of reading it as a table.

    Parameters
    ----------
    skyserver, sas : str
        Base addresses of the SQL search and of the files, without a slash at the end.
    answers : Path
        Where astroquery keeps answers.
    service : str
        What to call it in messages.
    """
    from astroquery.sdss import SDSS, conf

    conf.skyserver_baseurl = skyserver
    conf.sas_baseurl = sas
    conf.timeout = QUERY_SECONDS
    SDSS.cache_location = answers
    session = SDSS._session  # the client's own; it has no setting for retries
    adapter = _patient_adapter(service)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    if _refuse_error_page not in session.hooks["response"]:
        session.hooks["response"].insert(0, _refuse_error_page)


def _patient_adapter(service: str) -> HTTPAdapter:
    """Make a transport that tries again when a service is busy, and gives up with a clear word."""
    import requests
    from astroquery.sdss import conf
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    class PatientAdapter(HTTPAdapter):
        def send(
            self,
            request: requests.PreparedRequest,
            stream: bool = False,
            timeout: Any = None,
            verify: bool | str = True,
            cert: Any = None,
            proxies: Any = None,
        ) -> requests.Response:
            url = request.url or ""
            if url.startswith("http://127.0.0.1:"):
                proxies = {}
            try:
                # astroquery binds its default time limit on import: the setting would do nothing
                return super().send(
                    request,
                    stream=stream,
                    timeout=conf.timeout,
                    verify=verify,
                    cert=cert,
                    proxies=proxies,
                )
            except requests.RequestException as error:
                raise ArchiveError(
                    f"{service} did not answer at {_address(url)}: {_cause(error)}. "
                    "Check the network, wait a little and run the cell again."
                ) from error

    # 500 is missing on purpose: SkyServer answers a query it cannot run with it
    retry = Retry(
        total=4,
        connect=3,
        read=2,
        status=4,
        backoff_factor=RETRY_SECONDS,
        status_forcelist=(429, 502, 503, 504),
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    return PatientAdapter(max_retries=retry)


def _refuse_error_page(response: requests.Response, *_args: Any, **kwargs: Any) -> None:
    """Raise ArchiveError for an answer that is no table (a response hook of requests).

    It acts before astroquery sees the answer, so that an error is neither parsed nor cached.
    """
    import requests

    if response.is_redirect or kwargs.get("stream"):
        return
    address = _address(response.url)
    try:
        body = response.content
    except requests.RequestException as error:
        raise ArchiveError(
            f"The answer from {address} broke off midway: {_cause(error)}. Run the cell again."
        ) from error
    said = _sql_complaint(body)
    if said:
        raise ArchiveError(
            f"SkyServer at {address} could not run the query: {said} "
            "Correct the query and run the cell again."
        )
    kind = text_kind(body[:512])
    if kind or response.status_code >= 400:
        raise ArchiveError(
            f"SkyServer at {address} answered with {kind or 'an error'} "
            f"(HTTP status {response.status_code}) instead of a table: it is probably down or "
            "busy. Wait a little and run the cell again."
        )


def _sql_complaint(body: bytes) -> str | None:
    """Find what SkyServer says about a query, in the three shapes it has for it."""
    text = body[:20_000].decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            message = json.loads(text)
        except ValueError:
            return None
        return next((str(message[key]) for key in _MESSAGE_KEYS if message.get(key)), None)
    if "<title>Skyserver Error</title>" in text:
        plain = html.unescape(re.sub(r"<[^>]*>", " ", text.partition("<body")[2].partition(">")[2]))
        return " ".join(plain.replace("An error occured", "").split()) or None
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    if lines and lines[0].strip('"').lower().startswith("error_message"):
        return " ".join(lines[1:]).strip('"') or None
    return None


_MESSAGE_KEYS = ("ErrorMessage", "Error Message", "Message")


def _address(url: str) -> str:
    return url.partition("?")[0]


def _cause(error: BaseException) -> str:
    reason = getattr(error.args[0] if error.args else None, "reason", None) or error
    return str(reason).rpartition(": ")[2] or type(error).__name__
