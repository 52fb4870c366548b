"""The way out: DICOM results go to their destination, as often as it takes and no more."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from cxr_tf.hospital.connections import client_tls
from cxr_tf.hospital.events import Events
from cxr_tf.hospital.films_folder import FilmsFolder
from cxr_tf.hospital.options import NodeOptions
from cxr_tf.hospital.queue import Queue, QueuedFilm
from cxr_tf.runtime.errors import UsageError

#: Seconds before results are sent again.
WAITS = (2.0, 5.0, 15.0, 60.0, 300.0)
#: How often results are sent that the destination refuses.
TRIES = 8
#: Films whose results go through one association.
_AT_ONCE = 16
_PORT = 104
#: Of an archive that takes no instance twice and has this one (PS3.7, annex C).
_IS_THERE = 0x0111


class AwayError(RuntimeError):
    """The destination cannot be reached: what was not sent is sent later, however long it takes."""


class Destination(Protocol):
    """Takes DICOM objects."""

    def send(self, films: Sequence[Sequence[Path]]) -> list[str]:
        """Send the objects of films.

        Args:
            films: the objects of each.

        Returns:
            For each film '' where the destination has all its objects, else why it refused one.

        Raises:
            AwayError: it cannot be reached.
        """


class DicomDestination:
    """Takes objects by C-STORE.

    Args:
        host: its address.
        port: of it.
        called: its AE title.
        options: the node's.
        tls: whether to speak TLS.
    """

    def __init__(self, host: str, port: int, called: str, options: NodeOptions, tls: bool) -> None:
        self._address, self._called, self._calling = (host, port), called, options.ae_title
        self._tls = (client_tls(options), host) if tls else None

    def send(self, films: Sequence[Sequence[Path]]) -> list[str]:
        """Send the objects of films; see `Destination`."""
        from pydicom import dcmread

        from cxr_tf.hospital.entity import new_entity

        entity = new_entity(self._calling)
        kinds = set()
        for path in (path for film in films for path in film):
            header = dcmread(path, specific_tags=["SOPClassUID"], stop_before_pixels=True)
            kinds.add((header.SOPClassUID, header.file_meta.TransferSyntaxUID))
        for kind in sorted(kinds):
            entity.add_requested_context(*kind)
        association = entity.associate(*self._address, ae_title=self._called, tls_args=self._tls)
        if not association.is_established:
            raise AwayError("no association")
        try:
            return [self._film(association, film) for film in films]
        finally:
            if association.is_established:
                association.release()

    def _film(self, association: Any, film: Sequence[Path]) -> str:
        """Send the objects of one film; says why one was refused."""
        from pydicom import dcmread

        for path in film:
            try:
                status = association.send_c_store(dcmread(path)).get("Status")
            except ValueError:  # the kind was not accepted
                return "the destination does not take this kind of object"
            except RuntimeError:
                status = None
            if status is None:
                raise AwayError("the association broke")
            if status not in (0, _IS_THERE) and status >> 12 != 0xB:  # a warning: it is stored
                if status >> 8 == 0xA7:
                    raise AwayError("the destination is out of resources")
                return f"the destination answered 0x{status:04X}"
        return ""


class WebDestination:
    """Takes objects by STOW-RS; who we are stands in ~/.netrc.

    Args:
        address: of the DICOMweb service.
        options: the node's.
    """

    def __init__(self, address: str, options: NodeOptions) -> None:
        from dicomweb_client.api import DICOMwebClient
        from dicomweb_client.session_utils import create_session

        session = create_session()
        if options.tls_ca is not None:
            session.verify = str(options.tls_ca)
        if options.tls_certificate is not None and address.startswith("https"):
            session.cert = (str(options.tls_certificate), str(options.tls_key))
        self._client = DICOMwebClient(address, session=session)
        self._client.set_http_retry_params(retry=False)

    def send(self, films: Sequence[Sequence[Path]]) -> list[str]:
        """Send the objects of films; see `Destination`."""
        return [self._film(film) for film in films]

    def _film(self, film: Sequence[Path]) -> str:
        from pydicom import dcmread
        from requests import HTTPError, RequestException

        try:
            answer = self._client.store_instances([dcmread(path) for path in film])
        except HTTPError as error:
            code = error.response.status_code if error.response is not None else 0
            if 400 <= code < 500 and code not in (401, 403, 404, 408, 429):
                return f"the destination answered {code}"
            raise AwayError(f"HTTP {code}") from error
        except RequestException as error:
            raise AwayError(type(error).__name__) from error
        failed = [each.get("FailureReason") for each in answer.get("FailedSOPSequence") or ()]
        refused = [reason for reason in failed if reason != _IS_THERE]
        return f"the destination refused an object ({refused[0]})" if refused else ""


def destination(options: NodeOptions) -> Destination | None:
    """Find out where results go.

    Args:
        options: the node's.

    Returns:
        The destination; None where there is none.

    Raises:
        UsageError: it is not named as it must be.
    """
    if not (text := options.send_to):
        return None
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme in ("http", "https") and parts.hostname and port != -1 and not parts.username:
        return WebDestination(text.rstrip("/"), options)
    title = parts.netloc.partition("@")[0] if "@" in parts.netloc else ""
    right = parts.scheme in ("dicom", "dicoms") and parts.hostname and port != -1
    if not right or not 0 < len(title) <= 16 or parts.path.strip("/"):
        raise UsageError(
            f"--send-to {text}: give dicom://AET@HOST:PORT, dicoms://AET@HOST:PORT or the address "
            "of a DICOMweb service, such as https://HOST/dicom-web; no password in it"
        )
    return DicomDestination(
        str(parts.hostname), port or _PORT, title, options, parts.scheme == "dicoms"
    )


class Sender:
    """Sends the results of answered films.

    Args:
        to: the destination.
        folder: where results lie.
        queue: the queue.
        events: told of every film.
    """

    def __init__(self, to: Destination, folder: FilmsFolder, queue: Queue, events: Events) -> None:
        self._to, self._folder, self._queue, self._events = to, folder, queue, events
        self._away = 0

    def step(self) -> float:
        """Send what is there.

        Returns:
            Seconds before there is sense in the next step.
        """
        films = self._queue.to_send(_AT_ONCE)
        if not films:
            return 0.2
        try:
            answers = self._to.send([self._folder.objects(film) for film in films])
        except AwayError:
            if len(films) > 1:  # one at a time, so that one film does not keep the others
                return self._one_by_one(films)
            return self._wait(films)
        self._away = 0
        for film, refused in zip(films, answers, strict=True):
            self._take_note(film, refused)
        return 0.0

    def _one_by_one(self, films: Sequence[QueuedFilm]) -> float:
        for film in films:
            try:
                [refused] = self._to.send([self._folder.objects(film)])
            except AwayError:
                return self._wait([film])
            self._away = 0
            self._take_note(film, refused)
        return 0.0

    def _wait(self, films: Sequence[QueuedFilm]) -> float:
        """Leave the destination alone for a while."""
        seconds = WAITS[min(self._away, len(WAITS) - 1)]
        self._away += 1
        for film in films:
            self._queue.wait_again(film, seconds, "the destination is away", counted=False)
        self._events.waits("the destination is away", seconds)
        return seconds

    def _take_note(self, film: QueuedFilm, refused: str) -> None:
        if not refused:
            self._queue.sent(film)
            self._events.sent(film.number)
        elif film.tries + 1 >= TRIES:
            self._queue.fail(film, f"given up after {TRIES} tries: {refused}")
            self._events.failed(film.number, "the destination refused")
        else:
            seconds = WAITS[min(film.tries, len(WAITS) - 1)]
            self._queue.wait_again(film, seconds, refused, counted=True)
            self._events.waits("the destination refused", seconds, film.number)


def until(stop: threading.Event, step: Any, events: Events, where: str) -> None:
    """Repeat a step in a thread until it is to stop.

    Args:
        stop: set when it is.
        step: gives the seconds before the next one.
        events: told of faults.
        where: names the thread.
    """
    while not stop.is_set():
        try:
            seconds = step()
        except Exception as fault:  # the others go on
            events.broke(where, fault)
            seconds = WAITS[1]
        stop.wait(seconds)
