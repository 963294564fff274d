"""Bodies that nobody sends in good faith, each as bad for its reader as one mebibyte can be."""

import json
from collections.abc import Mapping

MEBIBYTE = 1024 * 1024


def filled(beginning: bytes, part: bytes, end: bytes = b"", *, size: int = MEBIBYTE) -> bytes:
    """Return `beginning`, as many times `part` as fit into `size`, and `end`."""
    return beginning + part * ((size - len(beginning) - len(end)) // len(part)) + end


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))

XML: Mapping[str, bytes] = {
    "deep": filled(b"<xml>", b"<a>"),
    "deep_and_closed": b"<xml>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</xml>",
    "many_elements": filled(b"<xml>", b"<a/>", b"</xml>"),
    "many_names": b"<xml>" + b"".join(b"<n%d/>" % n for n in range(90_000)) + b"</xml>",
    "many_items": filled(b"<xml><L>", b"<item/>", b"</L></xml>"),
    "many_attributes": b"<xml" + b"".join(b' a%d=""' % n for n in range(80_000)) + b"/>",
    "one_long_text": filled(b"<xml><Content>", b"x", b"</Content></xml>"),
    "many_cdata": filled(b"<xml><Content>", b"<![CDATA[]]>", b"</Content></xml>"),
    "many_references": filled(b"<xml><Content>", b"&amp;", b"</Content></xml>"),
    "many_comments": filled(b"<xml>", b"<!---->", b"</xml>"),
    "many_instructions": filled(b"<xml>", b"<?a?>", b"</xml>"),
    "long_name": filled(b"<xml><", b"n", b"/></xml>"),
    "open_tags_without_end": filled(b"", b"<"),
    "open_cdata": filled(b"<xml><Content><![CDATA[", b"]]"),
    "laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{_LAUGHS}]><xml><Content>&l9;</Content></xml>'.encode(),
    "quadratic_entity": b'<!DOCTYPE x [<!ENTITY e "' + b"x" * 50_000 + b'">]><xml>' + b"&e;" * 20_000 + b"</xml>",
    "file_entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Content>&e;</Content></xml>',
    "parameter_entity": b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p">%p;]><xml/>',
    "external_dtd": b'<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/x.dtd"><xml/>',
    "unknown_entity": b"<xml><Content>&nobody;</Content></xml>",
    "nul": b"<xml><Content>a\x00b</Content></xml>",
    "nul_by_reference": b"<xml><Content>&#0;</Content></xml>",
    "surrogate_by_reference": b"<xml><Content>&#xd800;</Content></xml>",
    "surrogate_in_bytes": b"<xml><Content>\xed\xa0\x80</Content></xml>",
    "other_encoding": '<?xml version="1.0" encoding="utf-16"?><xml/>'.encode("utf-16"),
    "claimed_encoding": b'<?xml version="1.0" encoding="utf-7"?><xml><Content>+ADw-</Content></xml>',
    "unknown_encoding": b'<?xml version="1.0" encoding="none-such"?><xml/>',
    "namespaces": filled(b'<xml xmlns:a="u">', b"<a:b/>", b"</xml>"),
    "overlong_utf8": b"<xml><Content>\xc0\xbc\xc0\xbc</Content></xml>",
    "too_large": filled(b"<xml>", b"<a/>", b"</xml>", size=2 * MEBIBYTE),
}

JSON: Mapping[str, bytes] = {
    "deep_lists": filled(b'{"a":', b"["),
    "deep_lists_closed": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep_objects": filled(b"", b'{"a":'),
    "deep_objects_closed": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "many_lists": filled(b'{"a":[', b"[],", b"[]]}"),
    "many_names": json.dumps({f"n{n}": 1 for n in range(70_000)}).encode(),
    "same_name": filled(b"{", b'"a":{},', b'"a":1}'),
    "huge_integer": filled(b'{"errcode":', b"9", b"}"),
    "long_integer": b'{"errcode":' + b"9" * 4300 + b"}",
    "huge_float": b'{"errcode":1e999999,"expires_in":1e999999}',
    "long_float": filled(b'{"errcode":0.', b"9", b"}"),
    "not_a_number": b'{"errcode":NaN,"expires_in":Infinity}',
    "true_for_a_number": b'{"errcode":true,"expires_in":true}',
    "negative": b'{"errcode":0,"access_token":"t","expires_in":-99999999999999999999}',
    "one_long_text": filled(b'{"errmsg":"', b"x", b'"}'),
    "many_escapes": filled(b'{"errmsg":"', b"\\u0041", b'"}'),
    "nul": b'{"errcode":48001,"errmsg":"a\\u0000b\x00"}',
    "surrogates": b'{"errcode":48001,"errmsg":"\\ud800 \\udfff","access_token":"\\ud800","media_id":"\\udc00"}',
    "surrogate_in_a_name": b'{"\\ud800":1,"errcode":0}',
    "no_object": b"[1,2]",
    "word": b"null",
    "nothing": b"",
    "half": b'{"errcode":0,"errm',
    "other_encoding": '{"errcode":0}'.encode("utf-16"),
    "not_utf8": b'{"errcode":0,"errmsg":"\xff\xfe"}',
    "page": b"<html><body><h1>502 Bad Gateway</h1></body></html>",
    "two": b'{"errcode":0}{"errcode":0}',
}
