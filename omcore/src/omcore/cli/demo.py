"""`om demo`: the main job on real data, from a CSV file to production, with nothing but the core.

The data ship with scikit-learn: breast cancer (Wolberg, Street and Mangasarian 1995), diabetes (Efron et al. 2004) and
handwritten digits (Alpaydin and Kaynak 1998).
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omcore.cli.common import FilePath
from omcore.errors import PromotionRefusedError

if TYPE_CHECKING:
    from omcore.omega import Omega

CONFIGURATION = """\
# Two contexts on this machine, each with an embedded store of its own.
default_context = "dev"

[contexts.dev]

[contexts.prod.promotion]
models = ["trained"]
"""


@click.command(short_help="The main job on real data, from CSV to production.")
@click.option("--keep", type=FilePath(), help="Work in this folder and leave it; it must be empty.")
def demo(keep: Path | None) -> None:
    """The main job on real data that ship with scikit-learn: from a CSV file to a model in production."""
    if keep is not None:
        if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
            raise click.UsageError(f"the folder {keep} is not empty; name one that is, or a new one")
        keep.mkdir(parents=True, exist_ok=True)
        run(keep)
        click.echo(
            f"\nEverything is in {keep}. Look around: cd {keep} && om models list && om --context prod models list"
        )
        return
    with tempfile.TemporaryDirectory(prefix="om-demo-") as folder:
        run(Path(folder))


def run(folder: Path) -> dict[str, float]:
    """Do all of it in an empty folder, and return the scores that were measured."""
    import omcore

    config = folder / "omcore.toml"
    config.write_text(CONFIGURATION, encoding="utf-8")
    with omcore.setup("dev", config=config) as dev, omcore.setup("prod", config=config) as prod:
        story = Story(folder, dev, prod)
        story.classify()
        story.regress()
        story.recognise()
        story.go_back()
        return story.scores


@dataclass(frozen=True, slots=True)
class Split:
    """The names of a dataset's two halves."""

    train: str
    test: str


class Story:
    """What the demo does, step by step; it says each step before it does it."""

    def __init__(self, folder: Path, dev: Omega, prod: Omega) -> None:
        self.folder = folder
        self.dev = dev
        self.prod = prod
        self.scores: dict[str, float] = {}

    def classify(self) -> None:
        """Breast cancer: a classifier goes to production, once it is trained."""
        from sklearn.datasets import load_breast_cancer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        title("Breast cancer: is it benign?")
        data = self.from_csv("cancer", load_breast_cancer(as_frame=True).frame)
        say("an untrained pipeline goes into the store of models")
        show(self.dev.models.put(make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)), "cancer"))
        say("production takes only trained models, so it refuses")
        try:
            self.dev.models.promote("cancer", self.prod.models)
        except PromotionRefusedError as error:
            show(error)
        self.fit("cancer", data)
        self.score("cancer", data, "accuracy")
        say("the predictions are stored as a dataset")
        predicted = self.dev.runtime.model("cancer").predict(self.features(data.test), into="cancer/predicted")
        show(predicted.get())
        say("now production accepts")
        show(self.dev.models.promote("cancer", self.prod.models))

    def regress(self) -> None:
        """Diabetes: a regression, and what a version remembers."""
        from sklearn.datasets import load_diabetes
        from sklearn.linear_model import Ridge

        title("Diabetes: how will it progress in a year?")
        data = self.from_csv("diabetes", load_diabetes(as_frame=True).frame)
        show(self.dev.models.put(Ridge(alpha=0.1), "diabetes"))
        self.fit("diabetes", data)
        self.score("diabetes", data, "R²")
        say("a version remembers which data it was fitted on")
        show(", ".join(self.dev.models.metadata("diabetes").provenance["inputs"]))

    def recognise(self) -> None:
        """Digits: an array instead of a table."""
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
        from sklearn.svm import SVC

        title("Digits: which one is it?")
        pixels, digits = load_digits(return_X_y=True)
        split = train_test_split(pixels, digits, test_size=0.25, random_state=0)
        for name, array in zip(("x_train", "x_test", "y_train", "y_test"), split, strict=True):
            show(self.dev.datasets.put(array, f"digits/{name}"))
        self.dev.models.put(SVC(gamma=0.001), "digits")
        say("fit by name, on the array")
        model = self.dev.runtime.model("digits")
        show(model.fit("digits/x_train", "digits/y_train").get())
        self.keep("digits accuracy", model.score("digits/x_test", "digits/y_test").get())

    def go_back(self) -> None:
        """A worse model reaches production, and is rolled back."""
        from sklearn.dummy import DummyClassifier

        title("A bad day in production, and the way back")
        data = Split("cancer/train", "cancer/test")
        say("somebody replaces the classifier by one that always says the same, and promotes it")
        self.dev.models.put(DummyClassifier(), "cancer")
        self.fit("cancer", data)
        show(self.dev.models.promote("cancer", self.prod.models, why="looked simpler"))
        for name in data.train, data.test:
            self.dev.datasets.promote(name, self.prod.datasets)
        self.score("cancer", data, "accuracy, bad day", self.prod)
        say("production goes back to the version before")
        show(self.prod.models.rollback("cancer", why="accuracy fell"))
        self.score("cancer", data, "accuracy, rolled back", self.prod)
        say("and its history says what happened")
        for entry in self.prod.models.history("cancer"):
            show(f"{entry.when}  {entry.action:<9} {entry.before or '-'} -> {entry.after or '-'}  {entry.why}")

    # --- the steps they share

    def from_csv(self, name: str, frame: Any) -> Split:
        """Write the frame as CSV, read that, and store it in two halves."""
        import pandas as pd
        from sklearn.model_selection import train_test_split

        path = self.folder / f"{name}.csv"
        frame.to_csv(path, index=False)
        say(f"{path.name} is read, split and stored as two datasets")
        train, test = train_test_split(pd.read_csv(path), test_size=0.25, random_state=0)
        show(self.dev.datasets.put(train, f"{name}/train"))
        show(self.dev.datasets.put(test, f"{name}/test"))
        return Split(f"{name}/train", f"{name}/test")

    def features(self, dataset: str) -> str:
        """A reference to all columns but the target."""
        columns = [column for column in self.dev.datasets.getl(dataset).columns if column != "target"]
        return f"{dataset}{as_projection(columns)}"

    def fit(self, model: str, data: Split) -> None:
        """Fit by name, in a worker process."""
        say(f"fit {model} on {data.train}, in a worker process")
        show(self.dev.runtime.model(model).fit(self.features(data.train), f"{data.train}[target]").get())

    def score(self, model: str, data: Split, measure: str, where: Omega | None = None) -> None:
        """Score by name, on data that the model has not seen."""
        runtime = (where or self.dev).runtime
        self.keep(
            f"{model} {measure}", runtime.model(model).score(self.features(data.test), f"{data.test}[target]").get()
        )

    def keep(self, what: str, score: float) -> None:
        """Print a score, and remember it."""
        self.scores[what] = score
        say(f"{what}: {score:.4f}")


def as_projection(columns: list[str]) -> str:
    """Columns as part of a reference, those with unusual characters in quotes."""
    from omcore.objects.references import Reference

    return str(Reference("x", None, tuple(columns)))[1:]


def title(text: str) -> None:
    """Begin a chapter."""
    click.secho(f"\n{text}", bold=True)


def say(text: str) -> None:
    """Say what happens next."""
    click.echo(f"  {text}")


def show(value: object) -> None:
    """Print what came of it."""
    click.secho(f"      {value}", dim=True)
