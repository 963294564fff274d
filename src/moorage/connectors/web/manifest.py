"""What the web chat can do, as data. Here the provider is we ourselves: no window, no budget, no foreign limits."""

from datetime import timedelta

from moorage.connectors.manifest import LINKED_FILES, ChoicesLimits, CredentialField, Manifest, NewsLimits

MOST_TEXT_BYTES = 16_000
"""UTF-8 bytes of one text to a visitor: some pages. Longer ones are files."""

MOST_BODY_BYTES = 64 * 1024
"""Of one push: a message with its token."""

WRITTEN_WITHIN = timedelta(hours=24)
"""How old a visitor's message may be when it arrives: a page that was offline hands in what was typed meanwhile."""

AHEAD_WITHIN = timedelta(minutes=10)
"""How far a visitor's clock may go before ours."""

CHOICES_LIMITS = ChoicesLimits(most_items=50, most_item_bytes=500, most_words_bytes=MOST_TEXT_BYTES)
NEWS_LIMITS = NewsLimits(most_title_bytes=500, most_description_bytes=2000, most_url_bytes=2048)
"""Our own, so that a page shows them well."""

MANIFEST = Manifest(
    kind="web",
    credential_fields=(
        CredentialField(name="site_id", pattern=r"[a-z0-9]{8,32}", secret=False, example="harbourtea"),
        CredentialField(
            name="key",
            pattern=r"[A-Za-z0-9_-]{43}",
            secret=True,
            example="hV3qYp8sTzR1mNc5JkW0eLxDgUa2BoF7iQv9tSwMyHA",
        ),
    ),
    account_field="site_id",
    push_path="/web/{external_id}",
    max_text_bytes=MOST_TEXT_BYTES,
    sendable=frozenset({"text", "file", "choices", "news"}),
    sendable_media={"file": LINKED_FILES},
    passive_reply=False,
    verifies_address=False,
    dockable=False,
    drops_repetitions=True,
    choices=CHOICES_LIMITS,
    news=NEWS_LIMITS,
    budget_presets={},
    default_preset=None,
)
