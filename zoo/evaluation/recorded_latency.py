"""Keep a latency. Latencies are never recalled: a machine differs from one minute to the next."""

from __future__ import annotations

from zoo.artifacts.digest import artifact_digest
from zoo.artifacts.resolver import ArtifactResolver
from zoo.evaluation.latency import Plan, Timing
from zoo.measurements.machine import this_machine
from zoo.measurements.measurement import Conditions, digest_key
from zoo.measurements.recorder import Recorder
from zoo.runner.loading import LoadedModel


def keep_timing(
    recorder: Recorder, network: LoadedModel, plan: Plan, timing: Timing, resolver: ArtifactResolver
) -> None:
    """Keep a latency.

    Args:
        recorder: The kept measurements.
        network: The network that was timed.
        plan: Scope and number of runs.
        timing: The times.
        resolver: Resolver of the artifact.
    """
    if timing.summary is None:
        return
    conditions = Conditions(
        entry=network.entry.id,
        format=timing.format,
        artifact=artifact_digest(network.fetched.path, resolver.store),
        engine=timing.engine or "",
        protocol={**plan.model_dump(mode="json"), "threads": timing.threads},
        machine=this_machine(),
    )
    figures = timing.summary.model_dump(exclude={"runs"})
    key = digest_key("bench", conditions=conditions.model_dump(mode="json"))
    recorder.keep("bench", key, conditions, figures, timing.model_dump(mode="json"))
