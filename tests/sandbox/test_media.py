"""Files: what may be uploaded, how it is fetched, and what may be sent with it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.receiver import Reply, running_receiver
from tests.sandbox.world import APPID, Json, World, running_world
from wechat_sandbox.media.formats import duration_s, format_of
from wechat_sandbox.media.samples import SampleName, sample
from wechat_sandbox.wire import compose

UPLOAD = "/cgi-bin/media/upload"
DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Stage:
    """A world with an account, somebody who just wrote, and a token."""

    world: World
    openid: str
    token: str

    async def upload(self, kind: str, content: bytes, *, path: str = UPLOAD, name: str = "a.bin") -> Json:
        params = {"access_token": self.token, "type": kind}
        response = await self.world.http.post(path, params=params, files={"media": (name, content)})
        return response.json()

    async def media_id(self, kind: str, name: SampleName) -> str:
        answer = await self.upload(kind, sample(name))
        return answer["thumb_media_id" if kind == "thumb" else "media_id"]

    async def fetch(self, media_id: str, *, path: str = "/cgi-bin/media/get") -> tuple[str, bytes, Json]:
        response = await self.world.http.get(path, params={"access_token": self.token, "media_id": media_id})
        is_json = response.headers["content-type"].startswith("application/json")
        return response.headers["content-type"], response.content, response.json() if is_json else {}

    async def send(self, kind: str, content: Json) -> int:
        body = {"touser": self.openid, "msgtype": kind, kind: content}
        return (await self.world.call("/cgi-bin/message/custom/send", body, token=self.token))["errcode"]


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with running_world(tmp_path) as world:
        await world.account(mini_programs=["wx5910277cae6fd970"])
        openid = await world.follower()
        await world.write(openid)
        yield Stage(world=world, openid=openid, token=(await world.stable_token())["access_token"])


KINDS: list[tuple[str, SampleName]] = [
    ("image", "photo.jpg"),
    ("voice", "voice.amr"),
    ("voice", "voice.mp3"),
    ("voice", "voice16k.amr"),
    ("thumb", "thumb.jpg"),
]


@pytest.mark.parametrize(("kind", "name"), KINDS)
async def test_uploaded_file_is_fetched_as_it_was(stage: Stage, kind: str, name: SampleName) -> None:
    answer = await stage.upload(kind, sample(name))
    assert answer["type"] == kind
    media_id = answer["thumb_media_id" if kind == "thumb" else "media_id"]
    media_type, content, _ = await stage.fetch(media_id)
    assert content == sample(name)
    assert media_type.split("/")[0] in {"image", "audio"}


async def test_video_is_fetched_by_its_address(stage: Stage) -> None:
    _, _, answer = await stage.fetch(await stage.media_id("video", "video.mp4"))
    response = await stage.world.http.get(answer["video_url"])
    assert response.content == sample("video.mp4")
    assert response.headers["content-type"] == "video/mp4"


def jpeg(size: int) -> bytes:
    return b"\xff\xd8\xff\xe0" + bytes(size - 6) + b"\xff\xd9"


def amr(seconds: int) -> bytes:
    return b"#!AMR\n" + (b"\x04" + bytes(12)) * (50 * seconds)


MIB = 1024 * 1024
REFUSED: list[tuple[str, bytes, int]] = [
    ("poem", b"whatever", 40004),
    ("image", b"", 44001),
    ("image", b"abc", 40006),
    ("image", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 40005),
    ("image", b"<html>not a picture</html>", 40005),
    ("image", sample("photo.jpg")[:3000], 40005),
    ("image", sample("voice.mp3"), 40005),
    ("image", jpeg(10 * MIB + 1), 40009),
    ("image", jpeg(21 * MIB), 45001),
    ("voice", sample("voice.amr")[:-3], 40005),
    ("voice", amr(61), 45007),
    ("voice", amr(3300), 40010),
    ("voice", sample("photo.jpg"), 40005),
    ("video", sample("video.mp4")[:-100], 40005),
    ("video", sample("video.mp4")[:4] + b"ftypqt  " + sample("video.mp4")[12:], 40005),
    ("video", bytes(10 * MIB + 1), 40011),
    ("thumb", jpeg(64 * 1024 + 1), 40012),
    ("thumb", b"\x89PNG\r\n\x1a\n" + bytes(40), 40005),
]


@pytest.mark.parametrize(("kind", "content", "errcode"), REFUSED)
async def test_file_that_wechat_does_not_take_is_refused(stage: Stage, kind: str, content: bytes, errcode: int) -> None:
    assert (await stage.upload(kind, content))["errcode"] == errcode


@pytest.mark.parametrize("seconds", [1, 60])
async def test_voice_of_a_minute_is_taken(stage: Stage, seconds: int) -> None:
    assert "media_id" in await stage.upload("voice", amr(seconds))


async def test_upload_without_a_file_part_is_called_missing(stage: Stage) -> None:
    params = {"access_token": stage.token, "type": "image"}
    for sent in ({"files": {"other": ("a.jpg", jpeg(100))}}, {"data": {"media": "text"}}, {"content": b"raw"}):
        response = await stage.world.http.post(UPLOAD, params=params, **sent)  # type: ignore[arg-type]
        assert response.json()["errcode"] == 41005


async def test_file_lives_three_days(stage: Stage) -> None:
    media_id = await stage.media_id("image", "photo.jpg")
    for offset_s, errcode in ((3 * DAY_S - 60, None), (3 * DAY_S + 60, 40007)):
        stage.world.move_clock(offset_s)
        token = (await stage.world.stable_token())["access_token"]
        _, _, answer = await Stage(stage.world, stage.openid, token).fetch(media_id)
        assert answer.get("errcode") == errcode


async def test_file_belongs_to_its_account(stage: Stage) -> None:
    media_id = await stage.media_id("image", "photo.jpg")
    await stage.world.account(appid="wxother", secret="other")
    response = await stage.world.http.get(
        "/cgi-bin/token", params={"grant_type": "client_credential", "appid": "wxother", "secret": "other"}
    )
    other = Stage(stage.world, stage.openid, response.json()["access_token"])
    assert (await other.fetch(media_id))[2]["errcode"] == 40007
    assert (await other.fetch(""))[2]["errcode"] == 41006


async def test_picture_of_an_article_has_an_address_for_everybody(stage: Stage) -> None:
    path = "/cgi-bin/media/uploadimg"
    answer = await stage.upload("", sample("photo.jpg"), path=path)
    assert (await stage.world.http.get(answer["url"])).content == sample("photo.jpg")
    assert (await stage.upload("", jpeg(MIB), path=path))["errcode"] == 40009
    assert (await stage.upload("", b"GIF89a" + bytes(20), path=path))["errcode"] == 40005


async def test_every_kind_with_a_file_reaches_the_phone(stage: Stage) -> None:
    picture, voice = await stage.media_id("image", "photo.jpg"), await stage.media_id("voice", "voice.mp3")
    film, thumb = await stage.media_id("video", "video.mp4"), await stage.media_id("thumb", "thumb.jpg")
    assert await stage.send("image", {"media_id": picture}) == 0
    assert await stage.send("voice", {"media_id": voice}) == 0
    assert await stage.send("video", {"media_id": film, "thumb_media_id": thumb, "title": "开箱"}) == 0
    assert (
        await stage.send("music", {"title": "曲", "musicurl": "https://m.example.com/a.mp3", "thumb_media_id": thumb})
        == 0
    )
    page = {"title": "商城", "appid": "wx5910277cae6fd970", "pagepath": "pages/index", "thumb_media_id": thumb}
    assert await stage.send("miniprogrampage", page) == 0
    entries = (await stage.world.chat(stage.openid))[-5:]
    assert [one["kind"] for one in entries] == ["image", "voice", "video", "music", "miniprogrampage"]
    shown = await stage.world.http.get(f"/sandbox/blobs/{entries[0]['data']['blob']}")
    assert (shown.content, shown.headers["content-type"]) == (sample("photo.jpg"), "image/jpeg")


async def test_message_with_a_wrong_file_is_refused(stage: Stage) -> None:
    picture, thumb = await stage.media_id("image", "photo.jpg"), await stage.media_id("thumb", "thumb.jpg")
    assert await stage.send("image", {"media_id": "made-up"}) == 40007
    assert await stage.send("image", {}) == 41006
    assert await stage.send("voice", {"media_id": picture}) == 40121
    assert await stage.send("mpnews", {"media_id": picture}) == 40007
    assert await stage.send("mpnewsarticle", {"article_id": "made-up"}) == 40007
    page = {"title": "商城", "appid": "wx0000000000000000", "pagepath": "pages/index", "thumb_media_id": thumb}
    assert await stage.send("miniprogrampage", page) == 40166
    stage.world.move_clock(3 * DAY_S + 60)
    await stage.world.write(stage.openid)
    token = (await stage.world.stable_token())["access_token"]
    assert await Stage(stage.world, stage.openid, token).send("image", {"media_id": picture}) == 40007


async def test_published_article_is_sent_by_its_id(stage: Stage) -> None:
    article = await stage.world.control(f"/accounts/{APPID}/articles", {"title": "新品", "url": "https://x.example"})
    assert await stage.send("mpnewsarticle", {"article_id": article["article_id"]}) == 0
    assert (await stage.world.chat(stage.openid))[-1]["text"] == "新品"


async def test_followers_picture_is_pushed_with_an_address_and_an_id(stage: Stage) -> None:
    path = f"/sandbox/api/accounts/{APPID}/followers/{stage.openid}/media"
    kept = (await stage.world.http.post(path, files={"file": ("p.jpg", sample("photo.jpg"))})).json()
    assert (kept["type"], kept["media_type"]) == ("image", "image/jpeg")
    sent = await stage.world.act(stage.openid, "message", {"type": "image", "media_id": kept["media_id"]})
    fields = stage.world.sandbox.state.pushes[sent["push_id"]].fields
    assert fields["MediaId"] == kept["media_id"]
    assert (await stage.world.http.get(str(fields["PicUrl"]))).content == sample("photo.jpg")
    assert (await stage.fetch(kept["media_id"]))[1] == sample("photo.jpg")


SENT: list[tuple[Json, str, SampleName]] = [
    ({"type": "image"}, "MediaId", "photo.jpg"),
    ({"type": "voice"}, "MediaId", "voice.amr"),
    ({"type": "voice", "format": "speex"}, "MediaId", "voice.speex"),
    ({"type": "voice"}, "MediaId16K", "voice16k.amr"),
    ({"type": "video"}, "ThumbMediaId", "thumb.jpg"),
]


@pytest.mark.parametrize(("description", "field", "name"), SENT)
async def test_sample_stands_for_a_file_that_is_left_out(
    stage: Stage, description: Json, field: str, name: SampleName
) -> None:
    sent = await stage.world.act(stage.openid, "message", description)
    media_id = stage.world.sandbox.state.pushes[sent["push_id"]].fields[field]
    assert (await stage.fetch(str(media_id)))[1] == sample(name)


async def test_phone_may_send_what_is_no_picture_as_one(stage: Stage) -> None:
    path = f"/sandbox/api/accounts/{APPID}/followers/{stage.openid}/media"
    refused = await stage.world.http.post(path, files={"file": ("p.jpg", b"<html>")})
    assert (refused.status_code, refused.json()["error"]) == (422, "file_not_sendable")
    kept = (await stage.world.http.post(path, files={"file": ("p.jpg", b"<html>")}, data={"type": "image"})).json()
    assert (await stage.fetch(kept["media_id"]))[:2] == ("image/jpeg", b"<html>")


@pytest.mark.parametrize(
    ("kind", "body", "outcome", "reason"),
    [
        ("image", {"Image": {"MediaId": "?"}}, "reply", ""),
        ("image", {"Image": {"MediaId": "made-up"}}, "malformed", "unknown_media_id"),
        ("voice", {"Voice": {"MediaId": "?"}}, "malformed", "wrong_media_type"),
    ],
)
async def test_passive_reply_may_name_a_file(tmp_path: Path, kind: str, body: Json, outcome: str, reason: str) -> None:
    async with running_receiver() as receiver, running_world(tmp_path) as world:
        await world.docked_account(receiver, mode="plaintext")
        openid = await world.follower()
        stage = Stage(world, openid, (await world.stable_token())["access_token"])
        media_id = await stage.media_id("image", "photo.jpg")
        filled = {
            name: {key: media_id if value == "?" else value for key, value in inner.items()}
            for name, inner in body.items()
        }
        envelope = {"ToUserName": openid, "FromUserName": "gh_5b8e21a7c4d9", "CreateTime": 1767225900, "MsgType": kind}
        receiver.usual = Reply(body=compose(envelope | filled).encode())
        push = await world.settled((await world.write(openid))["push_id"])
    assert (push.outcome, push.reason) == (outcome, reason)


async def test_files_outlive_a_restart(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world:
        await world.account()
        stage = Stage(world, "", (await world.stable_token())["access_token"])
        media_id = await stage.media_id("image", "photo.jpg")
    async with running_world(tmp_path) as world:
        stage = Stage(world, "", (await world.stable_token())["access_token"])
        assert (await stage.fetch(media_id))[1] == sample("photo.jpg")


def test_samples_are_what_they_say() -> None:
    names: list[tuple[SampleName, str]] = [("photo.jpg", "jpeg"), ("voice.amr", "amr"), ("video.mp4", "mp4")]
    assert [format_of(sample(name)) for name, _ in names] == [kind for _, kind in names]
    assert duration_s(sample("voice.amr"), sound="amr") == pytest.approx(3, abs=0.1)
    assert duration_s(sample("voice.mp3"), sound="mp3") == pytest.approx(3, abs=0.2)


async def test_recording_of_a_browser_becomes_the_voice_of_a_phone(stage: Stage) -> None:
    path = f"/sandbox/api/accounts/{APPID}/followers/{stage.openid}/recording"
    spoken = (await stage.world.http.get("/sandbox/api/samples/voice.mp3")).content
    kept = (await stage.world.http.post(path, files={"file": ("a.mp3", spoken)})).json()
    assert (kept["type"], kept["media_type"]) == ("voice", "audio/amr")
    assert kept["duration_s"] > 0.5
    playable = await stage.world.http.get(f"{kept['url']}/playable")
    assert playable.headers["content-type"] == "audio/mpeg"
    assert format_of(playable.content) == "mp3"
    refused = await stage.world.http.post(path, files={"file": ("a.webm", b"no sound")})
    assert (refused.status_code, refused.json()["error"]) == (422, "not_convertible")
