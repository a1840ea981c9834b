"""The routes about the server: liveness, readiness, metrics and bots."""

from fastapi import APIRouter, Response

from botchat.api.auth.middleware import AnyCaller, Reader
from botchat.api.dependencies import ServicesDep
from botchat.api.schemas.responses import BotOut, bot_out
from botchat.core.errors import NotAllowed

router = APIRouter(tags=["Server"])


@router.get("/healthz", operation_id="healthz")
def healthz() -> dict[str, str]:
    """Check liveness.

    Returns 200 while this process responds.
    """
    return {"status": "ok"}


@router.get("/readyz", operation_id="readyz")
def readyz(services: ServicesDep) -> dict[str, str]:
    """Check readiness.

    Returns 200 while the store responds, otherwise 503.
    """
    services.chat.expiring_values.get("readyz")
    return {"status": "ok"}


@router.get("/metrics", operation_id="metrics", response_class=Response)
def metrics(caller: AnyCaller, services: ServicesDep) -> Response:
    """Retrieve metrics.

    Returns this process's metrics in the Prometheus text format. Needs the scope `metrics` or `admin`.
    """
    if not {"metrics", "admin"} & set(caller.scopes):
        raise NotAllowed("This token doesn't have the scope metrics.")
    return Response(services.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/bots", operation_id="list_bots")
def list_bots(caller: Reader, services: ServicesDep) -> list[BotOut]:
    """List bots.

    Returns the bots that you can use.
    """
    preferred = services.chat.preferred_bot(caller.user)
    bots = services.chat.bots_for(caller.user)
    return [bot_out(bot, is_default=bot_id == preferred) for bot_id, bot in bots.items()]
