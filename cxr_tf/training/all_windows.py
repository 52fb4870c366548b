"""A network that is still learning, at work on all windows of films: what the dense vote sees."""

from collections.abc import Iterator

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxr_tf.measures.metrics import classification_metrics, confusion_matrix
from cxr_tf.method.voting import count_votes, decide, mean_probabilities
from cxr_tf.method.windows import WindowNetwork, Windows, window_network
from cxr_tf.models.resnet import averaged_features
from cxr_tf.runtime.errors import DivergedError
from cxr_tf.saved.run_options import ClassificationTrainingOptions
from cxr_tf.training.tracing import Traced
from pipelines.classification_examples import ClassificationExamples
from pipelines.masks import lungs_at_full_size
from pipelines.patches import network_input

#: Windows of a film that are held against the patches at their places.
COMPARED = 8


class AllWindows:
    """Looks at the windows of films with the weights that a network has at the time."""

    def __init__(self, config: ClassificationTrainingOptions):
        """Take the options of the run."""
        self._config = config
        self._black = Traced(lambda model: self._network(model).black())
        self._decide = Traced(self._decision)
        self._chances = Traced(lambda *seen: tf.nn.softmax(self._look(*seen).logits))
        self._some = Traced(self._compared)
        self._alone = Traced(averaged_features)
        self._average = Traced(lambda *seen: tf.reduce_mean(self._look(*seen).means, 0))

    def _network(self, model: keras.Model) -> WindowNetwork:
        config = self._config
        return window_network(
            model, scaling=config.scaling, patch_size=config.patch_size, content=config.content
        )

    def _look(
        self, model: keras.Model, seen: tf.Tensor, lungs: tf.Tensor, black: tf.Tensor
    ) -> Windows:
        lung_mask = lungs_at_full_size(lungs, self._config.film_size)
        return self._network(model).look(seen, lung_mask, black)

    def _decision(
        self, model: keras.Model, seen: tf.Tensor, lungs: tf.Tensor, black: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Decision of all windows of a film, and their mean probabilities."""
        found = self._look(model, seen, lungs, black)
        probabilities = tf.nn.softmax(found.logits)
        used = tf.ones(tf.shape(found.centres)[:1], tf.bool)
        mean = mean_probabilities(probabilities, used)
        return decide(count_votes(probabilities, used), mean), mean

    def _films(
        self, model: keras.Model, films: ClassificationExamples
    ) -> Iterator[tuple[tf.Tensor, ...]]:
        black = self._black(model)
        for film in range(len(films)):
            yield tf.constant(films.seen(film)), films.lungs[film], black

    def _of_each(
        self, answer: Traced, model: keras.Model, films: ClassificationExamples
    ) -> Iterator[npt.NDArray[np.float32]]:
        return (answer(model, *film).numpy() for film in self._films(model, films))

    def features(
        self, model: keras.Model, films: ClassificationExamples
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Give the last features of each film, averaged over its windows.

        Args:
            model: the network.
            films: what it looks at.

        Returns:
            float32 [k], a film at a time.
        """
        return self._of_each(self._average, model, films)

    def _compared(
        self, model: keras.Model, seen: tf.Tensor, lungs: tf.Tensor, black: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Centres of some windows, evenly among all, int32 [n, 2], and their averages."""
        found = self._look(model, seen, lungs, black)
        last = tf.cast(tf.shape(found.centres)[0] - 1, tf.float32)
        chosen = tf.cast(tf.linspace(0.0, last, COMPARED), tf.int32)
        centres = tf.ensure_shape(tf.gather(found.centres, chosen), [COMPARED, 2])
        return centres, tf.gather(found.means, chosen)

    def apart(self, model: keras.Model, films: ClassificationExamples) -> npt.NDArray[np.float64]:
        """Tell how windows differ from the patches at their places, whose neighbourhood is zero.

        Args:
            model: the network.
            films: what it looks at.

        Returns:
            Mean product of the differences of two averaged features, float64 [k, k].
        """
        products = []
        for film, seen in enumerate(self._films(model, films)):
            centres, windows = self._some(model, *seen)
            patches = films.around(tf.constant(film, tf.int64), centres)
            alone = self._alone(model, network_input(patches, self._config.scaling))
            difference = (windows - alone).numpy().astype(np.float64)
            products.append(difference.T @ difference / COMPARED)
        return np.asarray(np.mean(products, axis=0))

    def probabilities(
        self, model: keras.Model, films: ClassificationExamples
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Classify all windows of each film.

        Args:
            model: the network.
            films: what it looks at.

        Returns:
            Softmax of the windows, float32 [n, C], a film at a time.
        """
        return self._of_each(self._chances, model, films)

    def figures(
        self, model: keras.Model, films: ClassificationExamples, classes: int
    ) -> dict[str, float]:
        """Tell how well the dense vote decides.

        Args:
            model: the network.
            films: what it decides.
            classes: how many there are.

        Returns:
            Accuracy and macro F1, `dense_accuracy` and `dense_f1`.

        Raises:
            DivergedError: the network's answers are not finite.
        """
        decided = []
        for film in self._films(model, films):
            decision, mean = self._decide(model, *film)
            if not np.isfinite(mean.numpy()).all():
                raise DivergedError("the dense answers on the validation films are not finite")
            decided.append(int(decision))
        matrix = confusion_matrix(films.labels.numpy(), np.asarray(decided), classes)
        figures = classification_metrics(matrix)
        return {"dense_accuracy": float(figures.accuracy), "dense_f1": float(figures.f1)}
