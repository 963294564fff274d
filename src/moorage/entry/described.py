"""The application with the API's description as OpenAPI: every failure of it is a problem document."""

from typing import Literal, cast

from fastapi import FastAPI
from pydantic import BaseModel

from moorage.entry.problems import MEDIA_TYPE

Json = dict[str, object]


class Problem(BaseModel):
    """What went wrong. `code` is stable; `details` are the failure's own fields."""

    type: Literal["about:blank"]
    title: str
    status: int
    code: str
    detail: str
    details: dict[str, object]


class DescribedApp(FastAPI):
    """Describes itself."""

    def openapi(self) -> Json:
        """Return the OpenAPI document, made once."""
        if self.openapi_schema is None:
            described = super().openapi()
            for operations in cast("dict[str, dict[str, Json]]", described["paths"]).values():
                for operation in operations.values():
                    _tell_problem(cast("dict[str, Json]", operation["responses"]))
        return cast("Json", self.openapi_schema)


def _tell_problem(responses: dict[str, Json]) -> None:
    """Name the media type that failures really have; the framework knows only plain JSON."""
    content = cast("dict[str, Json]", responses["default"]["content"])
    responses["default"]["content"] = {MEDIA_TYPE: content["application/json"]}
