"""Reading what went back with a push."""

from moorage.connectors.contract import WireReply
from moorage.connectors.wechat_oa import crypto
from moorage.connectors.wechat_oa.fields import read_fields
from tests.conversations.desk import Desk

SUCCESS = b"success"


def words_of(desk: Desk, answer: WireReply) -> str | None:
    """Return the words of a sealed answer, or None where nothing but the acknowledgement came."""
    if answer.body == SUCCESS:
        return None
    encrypt = str(read_fields(answer.body)["Encrypt"])
    plain = crypto.unseal(
        encrypt, key=crypto.decode_aes_key(desk.credentials["aes_key"]), appid=desk.credentials["appid"]
    )
    return str(read_fields(plain)["Content"])
