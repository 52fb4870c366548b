"""A model that a server holds, with the interface of one that is loaded here."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr_tf.films.collage import one_film
from cxr_tf.films.entrance import entered
from cxr_tf.films.prediction import Prediction
from cxr_tf.films.questions import FilmQuestions
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.vote_options import SERVING_SEED, VoteOptions, asked_vote
from cxr_tf.runtime.errors import ServerError, UsageError
from cxr_tf.saved.model_folders import read_card
from cxr_tf.scoring.server.transport import Inputs, Transport, split_address, with_retries
from pipelines.films import encode_png16
from pipelines.normalise import NO_PADDING
from pipelines.sizes import PATCHES
from pipelines.status import CONSTANT, OK

#: How often a request is sent where the server is not ready.
TRIES = 5


class RemoteModel(FilmQuestions):
    """Answers through TensorFlow Serving: `score`, `explain`, `plot`, `predict`.

    A film travels as lossless 16-bit PNG, one a request, to `serving_default` or `explain`; where
    seed, number of patches or padding is not the signatures' own, as pixels to `predict_pixels`.

    Attributes:
        card: the model card; a server that answers with another `model_version` is refused.
    """

    def __init__(self, transport: Transport, card: ModelCard, tries: int = TRIES) -> None:
        """Take the way to the server.

        Args:
            transport: carries requests.
            card: card of the model that the server should hold.
            tries: how often a request is sent where the server is not ready.
        """
        self._transport, self._tries = transport, tries
        self.card = card

    def predict(
        self,
        pixels: Any,
        padding: float | None = NO_PADDING,
        vote: VoteOptions | str | None = None,
        *,
        explain: bool = False,
        **changes: Any,
    ) -> Prediction:
        """Decide on one film; see `cxr_tf.films.model.TriageModel.predict`.

        A film with padding comes back without maps: the signature `explain` takes none.

        Raises:
            UsageError: no signature does what is asked for.
            ServerError: the server did not answer, or holds another model.
        """
        asked = asked_vote(vote, changes)
        self.check_asked(asked)
        own = asked.seed == SERVING_SEED and asked.patches == PATCHES
        if explain and not own:
            raise UsageError(
                f"a server explains with seed {SERVING_SEED} and {PATCHES} patches alone"
            )
        film = entered(pixels, padding)
        if film.status == OK:
            film = one_film(film, self.card, self.look)
        if film.status != OK:
            return Prediction.without_answer(
                film.status, film.reason, self.card, asked.patches, explain=explain
            )
        return self._ask_server(film.pixels, film.padding, asked, explain)

    def check_asked(self, asked: VoteOptions) -> None:
        """Refuse what no signature does; nothing is sent.

        Args:
            asked: how films are to be put to the vote.

        Raises:
            UsageError: the model or its signatures cannot be asked so.
        """
        if asked.ends_early:
            raise UsageError("no signature ends a vote early: leave out --decision-only and --fast")
        if not asked.gate:
            raise UsageError("every signature has its gate: leave out --no-gate")
        decision = self.card.asked_with(asked)
        if replace(decision, refer_below=0.0) != replace(self.card.decision, refer_below=0.0):
            raise UsageError(
                "signatures decide as the model was exported: leave out --vote, --stride and "
                "--rule, or export the model with them"
            )

    def look(
        self, pixels: npt.NDArray[np.uint16], padding: int = NO_PADDING
    ) -> tuple[float, npt.NDArray[np.uint8]]:
        """Segment a film; see `cxr_tf.films.model.TriageModel.look`. Padding counts as film."""
        inputs: Inputs = {"image_bytes": [encode_png16(pixels)]}
        found = with_retries(lambda: self._transport.predict("segment", inputs), self._tries)
        return float(_first(found["film_score"])), np.asarray(_first(found["mask"]))

    def _ask_server(
        self, pixels: npt.NDArray[np.uint16], padding: int, asked: VoteOptions, explain: bool
    ) -> Prediction:
        """Send one film, through the signature that takes what is asked."""
        own = asked.seed == SERVING_SEED and asked.patches == PATCHES
        inputs: Inputs
        if own and padding == NO_PADDING:
            signature = "explain" if explain else "serving_default"
            inputs = {"image_bytes": [encode_png16(pixels)]}
        else:
            signature = "predict_pixels"
            inputs = {
                "pixels": pixels[None],
                "padding": np.array([padding], np.int32),
                "seed": np.array([asked.seed], np.int64),
                "patches": np.array([asked.patches], np.int32),
            }
        found = with_retries(lambda: self._transport.predict(signature, inputs), self._tries)
        answer = {name: _first(value) for name, value in found.items()}
        if (version := answer.get("model_version")) != self.model_version:
            raise ServerError(
                f"the server holds model {version}, not {self.model_version}: give the --model "
                "that is served, or serve this one"
            )
        return Prediction.from_tensors(answer, self.card.asked_with(asked).refer_below)

    def check(self) -> None:
        """Ask about a film of one grey level, so that a wrong server is known before the first.

        Raises:
            ServerError: the server does not answer, or holds another model.
        """
        status = self._ask_server(
            np.zeros((2, 2), np.uint16), NO_PADDING, VoteOptions(), explain=False
        ).status
        if status != CONSTANT:
            raise ServerError(
                f"the server gives a film of one grey level the status {status}, not {CONSTANT}: "
                "it serves no model of this kind"
            )

    def close(self) -> None:
        """Close the connection to the server."""
        self._transport.close()


def _first(batch: npt.NDArray[np.generic]) -> Any:
    value = batch[0]
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value


def connect(address: str, folder: Path, deadline: float, tries: int = TRIES) -> RemoteModel:
    """Reach a server; nothing is sent yet.

    Args:
        address: see `split_address`.
        folder: the version folder of the model that is served; only its card is read.
        deadline: seconds after which a request is given up.
        tries: how often a request is sent where the server is not ready.

    Returns:
        The model.

    Raises:
        UsageError: the address is none, the folder has no usable card, or gRPC is not installed.
    """
    scheme, host, port = split_address(address)
    try:
        card = read_card(folder)
    except (OSError, ValueError) as error:
        raise UsageError(f"--model: {error}") from error
    transport: Transport
    if scheme == "grpc":
        try:
            from cxr_tf.scoring.server.grpc_transport import GrpcTransport
        except ImportError as error:
            raise UsageError(
                f"--server {address}: install the extra 'serving', or use http://"
            ) from error
        transport = GrpcTransport(host, port, card.name, deadline)
    else:
        from cxr_tf.scoring.server.rest_transport import RestTransport

        transport = RestTransport(scheme, host, port, card.name, deadline)
    return RemoteModel(transport, card, tries)
