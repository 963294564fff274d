"""The shared vectors and samples of WeChat's wire format, as the tests use them."""

from pathlib import Path

from pydantic import BaseModel, TypeAdapter

DATA = Path(__file__).parent.parent / "data" / "wechat"
SAMPLES = DATA / "samples"


class Intermediate(BaseModel):
    """How a sealed message was made."""

    random16: str


class Vector(BaseModel):
    """One sealed message, what a strict receiver makes of it, and how it came to be."""

    name: str
    direction: str
    token: str
    encoding_aes_key: str
    appid: str
    timestamp: str
    nonce: str
    signature: str
    msg_signature: str
    encrypt: str
    http_body: str
    plaintext: str | None
    expect: str
    intermediate: Intermediate | None


Case = dict[str, str]


class _Examples(BaseModel):
    examples: list[Case]


class _Whole(BaseModel):
    vectors: list[Vector]
    url_signatures: list[dict[str, object]]
    aes_keys: list[dict[str, object]]
    published_reference_examples: _Examples


def _whole() -> _Whole:
    return TypeAdapter(_Whole).validate_json((DATA / "crypto-vectors.json").read_bytes())


def vectors() -> list[Vector]:
    """Return every sealed message of the shared file."""
    return _whole().vectors


def url_signatures() -> list[Case]:
    """Return signatures of addresses; `valid` is "True" or "False"."""
    return [{name: str(value) for name, value in row.items()} for row in _whole().url_signatures]


def aes_keys() -> list[Case]:
    """Return EncodingAESKeys and the bytes they stand for."""
    return [{name: str(value) for name, value in row.items()} for row in _whole().aes_keys]


def published_examples() -> list[Case]:
    """Return the numeric examples that WeChat publishes."""
    return _whole().published_reference_examples.examples


def sample(name: str) -> bytes:
    """Return the bytes of one sample file."""
    return (SAMPLES / f"{name}.xml").read_bytes()


def sample_names(*prefixes: str) -> list[str]:
    """Return the names of the sample files that begin with one of `prefixes`."""
    return sorted(path.stem for path in SAMPLES.glob("*.xml") if path.stem.startswith(prefixes))
