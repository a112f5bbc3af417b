"""The samples of the Python SDK's own README and tutorials, against the server named by HH_API_URL."""

import asyncio
import os

from honeyhive import HoneyHive, HoneyHiveTracer, trace
from honeyhive.models import (
    CreateConfigurationRequest,
    CreateDatapointRequest,
    CreateDatasetRequest,
    CreateMetricRequest,
    PostEventRequest,
    PostExperimentRunRequest,
    PutExperimentRunRequest,
    UpdateConfigurationRequest,
    UpdateDatapointRequest,
    UpdateDatasetRequest,
    UpdateEventRequest,
    UpdateMetricRequest,
)

KEY = os.environ["HH_API_KEY"]
URL = os.environ["HH_API_URL"]


def traces():
    tracer = HoneyHiveTracer.init(api_key=KEY, server_url=URL, source="python", session_name="python session")

    @trace(event_type="tool", event_name="my_function", tracer=tracer)
    def my_function(city):
        tracer.enrich_span(metadata={"city": city}, metrics={"processing_time_ms": 150})
        return {"degrees": 21}

    @trace(event_type="model", event_name="my_async_function", tracer=tracer)
    async def my_async_function():
        await asyncio.sleep(0.01)
        return "Hello, Async World!"

    with tracer.start_span("custom-operation"):
        my_function("Rome")
    asyncio.run(my_async_function())
    tracer.enrich_session(user_properties={"user_id": "user-123", "plan": "premium"}, metadata={"a": 1}, feedback={"rating": 5})
    tracer.force_flush()
    session_id = tracer.session_id
    tracer.shutdown()
    print("SESSION", session_id)
    return session_id


def rest(session_id):
    client = HoneyHive(api_key=KEY, base_url=URL)

    event = client.events.create(PostEventRequest(event={"event_type": "tool", "event_name": "posted", "inputs": {"q": 1}, "session_id": session_id}))
    client.events.update(UpdateEventRequest(event_id=event.event_id, metadata={"updated": True}, outputs={"a": 2}))
    listed = client.events.get_by_session_id(session_id)
    assert len(listed.events) >= 2, listed

    dataset = client.datasets.create(CreateDatasetRequest(name="cities"))
    dataset_id = dataset.result.insertedId
    point = client.datapoints.create(CreateDatapointRequest(inputs={"q": "x"}, ground_truth={"a": "y"}, linked_datasets=[dataset_id]))
    point_id = point.result.insertedIds[0]
    client.datapoints.update(point_id, UpdateDatapointRequest(metadata={"checked": True}))
    assert client.datapoints.get(point_id).datapoint[0].metadata == {"checked": True}
    client.datasets.update(UpdateDatasetRequest(dataset_id=dataset_id, description="of the world"))
    assert client.datasets.list().datasets[0].datapoints == [point_id]
    assert len(client.datapoints.list(dataset_name="cities").datapoints) == 1

    configuration = client.configurations.create(
        CreateConfigurationRequest(
            name="prompt", provider="openai", parameters={"call_type": "chat", "model": "gpt-4o", "template": [{"role": "system", "content": "Be brief."}]}
        )
    )
    client.configurations.update(
        configuration.insertedId, UpdateConfigurationRequest(name="prompt 2", provider="openai", parameters={"call_type": "chat", "model": "gpt-4o"})
    )
    assert [one.name for one in client.configurations.list()] == ["prompt 2"]
    client.configurations.delete(configuration.insertedId)
    assert client.configurations.list() == []

    metric = client.metrics.create(CreateMetricRequest(name="length", type="PYTHON", criteria="def f(e): return 1", description="d", return_type="float"))
    client.metrics.update(UpdateMetricRequest(id=metric.metric_id, name="size"))
    assert [one.name for one in client.metrics.list()] == ["size"]
    client.metrics.delete(metric.metric_id)
    assert client.metrics.list() == []

    run = client.experiments.create_run(PostExperimentRunRequest(name="by hand", event_ids=[session_id]))
    client.experiments.update_run(run.run_id, PutExperimentRunRequest(status="completed"))
    assert client.experiments.get_run(run.run_id).evaluation.status == "completed"
    client.experiments.list_runs()
    client.experiments.get_result(run.run_id)
    client.experiments.delete_run(run.run_id)
    client.datapoints.delete(point_id)
    client.datasets.delete(dataset_id)


rest(traces())
print("DONE")
