"""The routes about the server itself: whether it is alive, whether it can be used, its figures, its bots."""

from fastapi import APIRouter, Response

from botchat.api.auth.middleware import Anyone, Reader
from botchat.api.dependencies import ServingDep
from botchat.api.schemas.responses import BotOut, bot_out
from botchat.core.errors import NotAllowed

router = APIRouter(tags=["server"])


@router.get("/healthz", operation_id="healthz")
def healthz() -> dict[str, str]:
    """Tell that this process answers."""
    return {"status": "ok"}


@router.get("/readyz", operation_id="readyz")
def readyz(serving: ServingDep) -> dict[str, str]:
    """Tell that the store answers; 503 while it does not."""
    serving.chat.expiring_values.get("readyz")
    return {"status": "ok"}


@router.get("/metrics", operation_id="metrics", response_class=Response)
def metrics(caller: Anyone, serving: ServingDep) -> Response:
    """Tell Prometheus. It needs a token of the scope `metrics`."""
    if not {"metrics", "admin"} & set(caller.scopes):
        raise NotAllowed("This token is not for that: it needs the scope metrics.")
    return Response(serving.measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/bots", operation_id="list_bots")
def list_bots(caller: Reader, serving: ServingDep) -> list[BotOut]:
    """List the bots that you may ask."""
    preferred = serving.chat.preferred_bot(caller.user)
    return [bot_out(bot, is_default=bot_id == preferred) for bot_id, bot in serving.chat.bots.items()]
