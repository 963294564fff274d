"""The pictures of cards, as everybody sees them who has the card: the provider's servers, and customers' phones.

Their addresses never end: a card stands in a chat for as long as the customer keeps it, and its picture may be asked
for whenever somebody looks at it. One from a conversation ends when its customer is erased.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Header
from fastapi.responses import Response

from moorage.conversations.media_answers import Asked, give_out
from moorage.conversations.media_files import find_card_picture
from moorage.conversations.media_routes import BYTES, TheMedia
from moorage.conversations.outgoing_links import CARD_PICTURE
from moorage.customers.links import ThePages
from moorage.infra.links import LinkInvalid

router = APIRouter(tags=["customer pages"])

KEPT_BY_OTHERS: Final = "public, max-age=86400"
"""Caches on the way may keep a picture for a day; what was erased is then gone there too."""


@router.get(
    "/pages/card-picture/{token}",
    response_class=Response,
    responses={200: {"description": "The picture", "content": BYTES}},
)
async def show_card_picture(
    token: str,
    door: ThePages,
    media: TheMedia,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Give out the picture of a card to anybody who has its address."""
    link = door.links.read_lasting(token, purpose=CARD_PICTURE)
    async with door.database.in_workspace(link.workspace_id) as tx:
        blob = await find_card_picture(tx, picture_id=link.about)
    if blob is None:
        raise LinkInvalid
    asked = Asked(none_match=if_none_match)
    answer = await give_out(media.blobs, blob, name="picture", download=False, asked=asked)
    answer.headers["Cache-Control"] = KEPT_BY_OTHERS
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # it stands on other people's pages
    return answer
