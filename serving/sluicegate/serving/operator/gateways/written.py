"""A gateway that is told by objects in the API server: routes of the Gateway API, or Istio's.

Nothing is written while nothing changes, nothing of anybody else is touched, and a route is written only once each
Service that it names has a ready server: until then the one before goes on. What is in force is what the objects' own
status says; an object that went out of use goes after the routes that leaned on it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import resource_of
from sluicegate.serving.gateway.routes import Route
from sluicegate.serving.gateway.services import Services, target
from sluicegate.serving.operator.applying import Applier
from sluicegate.serving.operator.cluster.cache import Key
from sluicegate.serving.operator.cluster.caches import Caches
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import NotFoundError, RefusedError
from sluicegate.serving.operator.gateways.behind import services_of, transports_of, unready
from sluicegate.serving.operator.gateways.faces import Face
from sluicegate.serving.operator.objects.comparison import is_applied, is_owned
from sluicegate.serving.operator.objects.manifest import ObjectKey, key_of, manifest_of
from sluicegate.serving.operator.ports import InForce

AGAIN_SECONDS = 30.0
"""Until a write that was refused is tried once more, unless something changes before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A route that was written: its objects, and the shares that it means."""

    objects: tuple[JSON, ...]
    traffic: dict[str, int]
    mirror: dict[str, int]
    warnings: tuple[str, ...]


class WrittenRoutes:
    """``Gateway`` over objects. ``again`` asks for another look at a deployment, in so many seconds."""

    def __init__(self, cluster: Cluster, caches: Caches, face: Face, *, again: Callable[[Key, float], None]) -> None:
        self._cluster, self._caches, self._face, self._again = cluster, caches, face, again
        self._applier = Applier(cluster, caches)
        self._asked: dict[Key, _Asked] = {}
        self._in_force: dict[Key, _Asked] = {}
        self._held: dict[Key, str] = {}
        self._refused: dict[Key, str] = {}

    async def publish(self, route: Route, services: Mapping[str, str], owner: JSON) -> None:
        """As the port says. Raises InvalidRouteError for a route that contradicts itself, and keeps the one before."""
        key = (route.namespace, route.name)
        made = tuple(self._caches.made_for(*key).values())
        known = services_of(made, services)
        if words := unready(route, known, made):
            self._held[key] = words
            return
        rendered = self._face.render(route, known, owner, transports_of(made, known))
        objects = tuple(_manifest(each, owner["metadata"]) for each in self._in_order(rendered.objects))
        await self._write(key, objects, owner["metadata"])
        self._held.pop(key, None)
        self._asked[key] = _Asked(
            objects=objects,
            traffic={each.predictor: each.weight for each in route.backends},
            mirror=_copied(route, known),
            warnings=rendered.warnings,
        )
        if key not in self._refused:
            await self._clear(key, owner["metadata"])

    async def withdraw(self, namespace: str, name: str) -> None:
        """As the port says. The objects have an owner that is gone, and go with it."""
        for memory in (self._asked, self._in_force, self._held, self._refused):
            memory.pop((namespace, name), None)

    def in_force(self, namespace: str, name: str) -> InForce:
        """As the port says."""
        key, live = (namespace, name), self._live(namespace, name)
        asked, held, refused = self._asked.get(key), self._held.get(key, ""), self._refused.get(key, "")
        waiting, rejected = self._complaints(asked, live)
        if asked is not None and not waiting and not refused:
            self._in_force[key] = asked
        now = self._in_force.get(key)
        return InForce(
            settled=asked is not None and now is asked and not (held or refused or waiting),
            traffic=now.traffic if now is not None else self._face.weights(live, name),
            mirror=now.mirror if now is not None else {},
            rejected=refused or rejected,
            waiting=held or waiting,
            warnings=asked.warnings if asked is not None else (),
            acknowledges=self._face.acknowledges,
        )

    def _complaints(self, asked: _Asked | None, live: Mapping[ObjectKey, JSON]) -> tuple[str, str]:
        """Why what was asked is not in force, and the part of it that is a refusal."""
        if asked is None:
            return "", ""
        if not all(is_applied(each, live.get(key_of(each))) for each in asked.objects):
            return "what was written is not seen yet", ""
        wanted = {key_of(each) for each in asked.objects}
        if any(key not in wanted and key[0] in self._face.leading for key in live):
            return "an older route is not gone yet", ""
        found = [self._face.complaint(live[key]) for key in sorted(wanted)]
        return "; ".join(filter(None, (one for one, _ in found))), "; ".join(filter(None, (one for _, one in found)))

    def _live(self, namespace: str, name: str) -> dict[ObjectKey, JSON]:
        """The deployment's objects of this gateway's kinds."""
        made = self._caches.made_for(namespace, name)
        return {key: each for key, each in made.items() if key[0] in self._face.kinds}

    async def _write(self, key: Key, objects: Iterable[JSON], owner: JSON) -> None:
        """Write what differs. What is refused is said and tried again later; other troubles are raised."""
        live = self._live(*key)
        differing = [each for each in objects if not is_applied(each, live.get(key_of(each)))]
        missing = [each for wanted in differing for each in self._next(wanted, live.get(key_of(wanted)), owner)]
        try:
            for each in missing:
                await self._insist_on_ours(each, live.get(key_of(each)), owner)
            for trouble in await self._applier.apply(missing, live, owner):
                raise trouble.error
        except RefusedError as error:
            self._refused[key] = str(error)
            self._again(key, AGAIN_SECONDS)
        else:
            self._refused.pop(key, None)

    def _next(self, wanted: JSON, live: JSON | None, owner: JSON) -> Iterator[JSON]:
        """What to write on the way to ``wanted``; nothing while the gateway has yet to take what was written."""
        closed = self._face.closed(wanted)
        if closed is not None and live is None:
            yield _manifest({**wanted, "spec": closed}, owner)
        elif live is None or not self._is_pending(live):
            yield wanted

    def _is_pending(self, live: JSON) -> bool:
        """Whether it is a closed route that the gateway has neither taken nor refused yet."""
        waiting, refused = self._face.complaint(live)
        return self._face.is_closed(live) and bool(waiting) and not refused

    async def _insist_on_ours(self, manifest: JSON, live: JSON | None, owner: JSON) -> None:
        """Raise RefusedError where a person's object has the name."""
        meta = manifest["metadata"]
        try:
            found = live or await self._cluster.get(resource_of(manifest), meta["namespace"], meta["name"])
        except NotFoundError:
            return
        if not is_owned(found, owner):
            raise RefusedError(
                f"there is a {manifest['kind']} {meta['name']!r} that this SeldonDeployment does not own; "
                "rename it, or the deployment"
            )

    async def _clear(self, key: Key, owner: JSON) -> None:
        """Delete what is not asked for any more: routes first, what they leaned on once the new ones are in force."""
        live, asked = self._live(*key), {key_of(each) for each in self._asked[key].objects}
        settled = self.in_force(*key).settled
        for each in (each for name, each in live.items() if name not in asked and is_owned(each, owner)):
            closed = None if self._face.is_closed(each) else self._face.closed(each)
            if each["metadata"].get("deletionTimestamp"):
                continue
            if closed is not None:
                await self._applier.apply([_manifest({**each, "spec": closed}, owner)], live, owner)
            elif settled or (each["kind"] in self._face.leading and not self._is_pending(each)):
                await self._cluster.delete(each)

    def _in_order(self, objects: Iterable[JSON]) -> list[JSON]:
        return sorted(objects, key=lambda each: self._face.kinds.index(each["kind"]))


def _copied(route: Route, services: Services) -> dict[str, int]:
    """Percent of copies by predictor, without those that cannot be told from users' requests."""
    return {each.predictor: each.percentage for each in target(route, services, "http").mirrors}


def _manifest(drawn: JSON, owner: JSON) -> JSON:
    """Complete for server-side apply. ``owner`` is the SeldonDeployment's metadata."""
    metadata = {"name": drawn["metadata"]["name"]}
    return manifest_of(drawn["apiVersion"], drawn["kind"], metadata, drawn["spec"], owner=owner)
