"""Links to customers' pages, signed as the web process of the tests signs them."""

from moorage.conversations.outgoing_links import OutgoingLinks
from moorage.infra.links import SignedLinks

LINKS = SignedLinks([b"k" * 32])
OUTGOING = OutgoingLinks(links=LINKS, public_url="http://desk.example")
