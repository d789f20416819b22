"""JSON-RPC over HTTP, with the standard library alone.

A node's URL often holds an access key, and HTTP libraries write URLs to their logs and into their
errors; this logs nothing, and its errors show the host alone.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from ._errors import NodeError, NodeUnreachable

_LARGEST_ANSWER = 64 << 20


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class JsonRpc:
    """A JSON-RPC endpoint.

    Parameters
    ----------
    url : str
        http or https.
    timeout : float
        Seconds to wait for an answer.
    """

    def __init__(self, url: str, timeout: float) -> None:
        try:
            scheme = urlsplit(url).scheme
        except ValueError:
            raise NodeUnreachable(url, "the URL cannot be read") from None
        if scheme not in ("http", "https"):
            raise NodeUnreachable(url, "the URL must be http or https")
        self._url = url
        self._timeout = timeout
        self._ids = count(1)
        self._opener = urllib.request.build_opener(_NoRedirect)

    def __call__(self, method: str, *parameters: Any) -> Any:
        """Call a method; return its result.

        Raises
        ------
        NodeUnreachable
            If there is no answer in time, or none that is JSON-RPC.
        RpcError
            If the answer is an error.
        """
        number = next(self._ids)
        body = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(parameters)}
        answer = self._post(json.dumps(body).encode())
        if not isinstance(answer, dict) or answer.get("id") != number:
            raise NodeUnreachable(self._url, "it answers, but not in JSON-RPC")
        error = answer.get("error")
        if isinstance(error, dict):
            raise RpcError(method, error)
        if "result" not in answer:
            raise NodeUnreachable(self._url, "it answers, but not in JSON-RPC")
        return answer["result"]

    def _post(self, body: bytes) -> Any:
        try:
            request = urllib.request.Request(
                self._url, data=body, headers={"Content-Type": "application/json"}
            )
            with self._opener.open(request, timeout=self._timeout) as response:
                text = response.read(_LARGEST_ANSWER + 1)
        except urllib.error.HTTPError as error:
            # Some nodes send JSON-RPC errors with an HTTP error.
            with error:
                text = error.read(_LARGEST_ANSWER + 1)
            status = error.code
            if not text.lstrip().startswith(b"{"):
                raise NodeUnreachable(self._url, f"HTTP status {status}") from None
        except TimeoutError:
            raise NodeUnreachable(self._url, f"no answer in {self._timeout:g} s") from None
        except (OSError, HTTPException, ValueError):
            # Not `from error`: the message may quote the URL.
            raise NodeUnreachable(self._url) from None
        if len(text) > _LARGEST_ANSWER:
            raise NodeUnreachable(self._url, "its answer is too long")
        try:
            return json.loads(text)
        except ValueError:
            raise NodeUnreachable(self._url, "it answers, but not in JSON-RPC") from None


class RpcError(NodeError):
    """A node's error, with the data that came with it: a revert's reason, for instance."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        code = error.get("code")
        super().__init__(
            method, code if isinstance(code, int) else 0, str(error.get("message", ""))[:500]
        )
        data = error.get("data")
        if isinstance(data, dict):
            data = data.get("data")
        self.data: bytes | None = None
        if isinstance(data, str) and data.startswith("0x"):
            try:
                self.data = bytes.fromhex(data[2:])
            except ValueError:
                self.data = None

    @property
    def is_revert(self) -> bool:
        """Whether the call was run, and reverted."""
        return self.code == 3 or self.data is not None or "revert" in self.message.lower()
